"""From labels to the config of a fine-tuning."""

from dataclasses import dataclass
from pathlib import Path

import torch

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.dataset_inspection.anchor_coverage import grid_of_model
from cupre_mm.utils.dataset_inspection.light_coco import read_boxes
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.own_labels.base_configs import read_base
from cupre_mm.utils.own_labels.config_text import write_config_text
from cupre_mm.utils.own_labels.held_out_part import HeldOut, hold_out
from cupre_mm.utils.own_labels.label_checks import (
    check_labels,
    find_pretraining_leaks,
)
from cupre_mm.utils.own_labels.label_reading import ReadLabels, read_labels
from cupre_mm.utils.own_labels.starting_point import (
    StartingPoint,
    inspect_start,
)
from cupre_mm.utils.own_labels.training_plan import TrainingPlan, make_plan
from cupre_mm.utils.processor import has_bfloat16_matrices

CONFIG = 'config.py'


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Attributes:
        source (Path): The labelled folder.
        out (Path): Folder for everything that is written.
        checkpoint (str, optional): Weights to start from.
        base_config (str, optional): Config to inherit from.
        size (str, optional): ``'mini'`` or ``'full'``.
        device (str): ``'cpu'``, ``'cuda'`` or ``'auto'``.
        form (str): Form of the labels.
        class_name (str, optional): Of the one class.
        iterations (int, optional): Most iterations.
        batch_size (int, optional): Crops of an iteration.
        workers (int): Processes that load images.
        seed (int): Of the parts and the run.
        group (str, optional): Images that must stay in one part.
        pretraining (tuple[str, ...]): Images that were pre-trained on.
    """

    source: Path
    out: Path
    checkpoint: str | None = None
    base_config: str | None = None
    size: str | None = None
    device: str = 'auto'
    form: str = 'auto'
    class_name: str | None = None
    iterations: int | None = None
    batch_size: int | None = None
    workers: int = 1
    seed: int = 0
    group: str | None = None
    pretraining: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """What is about to be trained.

    Attributes:
        config (Path): The config file.
        text (str): What it is to hold.
        read (ReadLabels): The labels.
        plan (TrainingPlan): The numbers.
        held_out (HeldOut): The parts.
        start (StartingPoint): The weights.
        warnings (list[str]): What the user should look at.
    """

    config: Path
    text: str
    read: ReadLabels
    plan: TrainingPlan
    held_out: HeldOut
    start: StartingPoint
    warnings: list[str]


def prepare(request: Request) -> Prepared:
    """Read the labels and work out the config.

    Args:
        request (Request): What the user asks for.

    Returns:
        Prepared: The plan; the data are written, the config is not.

    Raises:
        UserError: If something cannot be used.
    """
    # Before any file of that run's data changes.
    _refuse_run(request.out / 'run')
    device = choose_device(request.device)
    start = inspect_start(request.checkpoint)
    size = choose_size(request.size, start, device, request.base_config)
    base = read_base(size, request.base_config)
    if start.size not in (None, base.size):
        raise BadConfigError(
            f'{start.path} is of the {start.size} model, but the base config '
            f'{base.files[0]} is of the {base.size} one'
        )
    data = request.out / 'data'
    read = read_labels(
        request.source,
        data,
        form=request.form,
        class_name=request.class_name,
    )
    held_out = hold_out(data, request.seed, request.group)
    boxes = read_boxes(data / held_out.train)
    plan = make_plan(
        boxes,
        grid_of_model(base.values['model']),
        size=base.size,
        device=device,
        classes=classes_of(data),
        workers=request.workers,
        iterations=request.iterations,
        batch_size=request.batch_size,
        bfloat16=device == 'cpu' and has_bfloat16_matrices(),
    )
    warnings = check_labels(read_boxes(data / 'annotations/instances.json'))
    if start.path is None:
        warnings.append(
            'training starts from random weights, which takes many more '
            'labels than --checkpoint of a COCO or AMT2 pre-training'
        )
    seen = [*request.pretraining, *_earlier_round(start)]
    if seen:
        warnings += find_pretraining_leaks(
            seen,
            _held_out_files(data, held_out),
        )
    text = write_config_text(
        request.out, request.source, plan, held_out, start, base, request.seed
    )
    return Prepared(
        request.out / CONFIG, text, read, plan, held_out, start, warnings
    )


def write_config(prepared: Prepared) -> None:
    """Write the config, but over no other one.

    Args:
        prepared (Prepared): The plan.

    Raises:
        BadConfigError: If the folder holds another config.
    """
    path = prepared.config
    if path.exists() and path.read_text(encoding='utf-8') != prepared.text:
        raise BadConfigError(
            f'{path} is there already and is not what these labels and '
            'options give: --resume trains with it as it is (after --dry-run '
            'and changes of yours, too); else name another OUT, or remove it'
        )
    write_atomically(path, prepared.text.encode())


def choose_device(device: str) -> str:
    """Choose between CPU and GPU.

    Args:
        device (str): ``'cpu'``, ``'cuda'`` or ``'auto'``.

    Returns:
        str: ``'cpu'`` or ``'cuda'``.

    Raises:
        BadConfigError: If there is no GPU and one is asked for.
    """
    there = torch.cuda.is_available()
    if device == 'cuda' and not there:
        raise BadConfigError(
            '--device cuda: torch finds no GPU; tools/doctor.py may tell why'
        )
    if device == 'cpu' or not there:
        return 'cpu'
    return 'cuda'


def choose_size(
    size: str | None,
    start: StartingPoint,
    device: str,
    base_config: str | None,
) -> str:
    """Choose the base model.

    Args:
        size (str, optional): What the user says.
        start (StartingPoint): The weights to start from.
        device (str): ``'cpu'`` or ``'cuda'``.
        base_config (str, optional): The user's own base config.

    Returns:
        str: What the user says, else what the weights are of, else mini on a
        CPU and full on a GPU.

    Raises:
        BadConfigError: If the choices contradict one another.
    """
    if size and base_config:
        raise BadConfigError(
            '--size and --base-config both choose a model: give one'
        )
    if size and start.size and size != start.size:
        raise BadConfigError(
            f'--size {size}: {start.path} is of the {start.size} model; '
            'leave --size out'
        )
    return size or start.size or ('full' if device == 'cuda' else 'mini')


def classes_of(data: Path) -> tuple[str, ...]:
    """Class names of a converted set.

    Args:
        data (Path): Its folder.

    Returns:
        tuple[str, ...]: The names in the order of the file.
    """
    coco, _ = read_coco(data / 'annotations' / 'instances.json')
    return tuple(one['name'] for one in coco['categories'])


def _held_out_files(data: Path, held_out: HeldOut) -> list[Path]:
    files: dict[Path, None] = {}
    for part in (held_out.val, held_out.test):
        if part is not None:
            for image in read_coco(data / part)[0]['images']:
                files[data / held_out.images / image['file_name']] = None
    return list(files)


def _refuse_run(run: Path) -> None:
    if any(run.glob('*.pth')):
        raise BadConfigError(
            f'{run} holds checkpoints of an earlier run: go on from them '
            'with --resume, or name another OUT'
        )


def _earlier_round(start: StartingPoint) -> list[str]:
    """Images that the model of an earlier round was trained on."""
    if start.path is None:
        return []
    file = start.path.parent / 'data' / 'splits' / 'train_100.json'
    return [str(file)] if file.is_file() else []
