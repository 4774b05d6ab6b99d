"""Publishing the detector of an AMT2 checkpoint."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from cupre_mm.utils.checkpoint import read_checkpoint, state_dict_of
from cupre_mm.utils.checkpoint_config import training_facts
from cupre_mm.utils.errors import BadCheckpointError
from cupre_mm.utils.model_card import (
    USE_OF_A_DETECTOR,
    CardFacts,
    write_card,
)
from cupre_mm.utils.whole_file import write_whole_file

CARD_SUFFIX = '.model_card.md'
_HOW_TO_LOAD = """
# A config of the same detector; {file} lies beside this card.
from mmdet.apis import init_detector

model = init_detector('config.py', '{file}')

# In the config of a fine-tuning that starts from it:
load_from = '{file}'
"""
_USE_OF_PRETRAINING = (
    'Meant as the start of a fine-tuning on labelled images of cells: '
    'pre-trained on labelled natural images and unlabelled images of cells. '
    'It finds the classes named above, not cells, until it is fine-tuned. '
    'For research; not for diagnosis.'
)


def export_detector(
    source: str | Path,
    target: str | Path,
    data: Sequence[str] = (),
    report: Mapping[str, Any] | None = None,
) -> Path:
    """Write the weights that a stock mmdet detector loads, and no more.

    Parameters of the contrastive branch (``moco.*``), optimizer and
    scheduler state are left out; ``meta`` is kept. Where an EMAHook ran, the
    averaged weights are written. A model card lies beside the file, of the
    same name and ``.model_card.md``: training data with their licences as
    the config in the checkpoint names them, accuracy, and intended use.

    Args:
        source (str | Path): Checkpoint of a training run.
        target (str | Path): File to write. The first eight hexadecimal
            digits of its sha256 are added to its name, as OpenMMLab's
            publish tool does: ``out.pth`` becomes ``out-1a2b3c4d.pth``.
        data (Sequence[str]): What it was trained on beside what the
            checkpoint tells, for the card. Defaults to none.
        report (Mapping, optional): A report.json of the evaluation, for the
            card. Defaults to None.

    Returns:
        Path: The file that was written.

    Raises:
        MissingDataError: If ``source`` does not exist.
        BadCheckpointError: If it holds no weights of a detector.
        NoSpaceError: If the disk is full.
    """
    checkpoint = read_checkpoint(source)
    weights = {
        name: value
        for name, value in state_dict_of(checkpoint).items()
        if not name.startswith('moco.')
    }
    if not any(name.startswith('backbone.') for name in weights):
        raise BadCheckpointError(
            f"{source} holds no 'backbone.*' weights: it is not a checkpoint "
            'of a detector.'
        )
    # Saved to memory first: torch writes the name of a file into it, and the
    # digest would depend on that name.
    buffer = io.BytesIO()
    torch.save(
        dict(meta=checkpoint.get('meta', {}), state_dict=weights), buffer
    )
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()[:8]
    target = Path(target)
    suffix = target.suffix or '.pth'
    final = target.with_name(f'{target.stem}-{digest}{suffix}')
    card = _card(Path(source), final, content, checkpoint, data, report)
    # First: a model that is there has its card.
    write_whole_file(card_of(final), card.encode())
    write_whole_file(final, content)
    return final


def card_of(detector: Path) -> Path:
    """Name the model card of an exported detector.

    Args:
        detector (Path): The file that :func:`export_detector` wrote.

    Returns:
        Path: The card, beside it.
    """
    return detector.with_name(detector.stem + CARD_SUFFIX)


def _card(
    source: Path,
    final: Path,
    content: bytes,
    checkpoint: Mapping[str, Any],
    data: Sequence[str],
    report: Mapping[str, Any] | None,
) -> str:
    meta = checkpoint.get('meta') or {}
    facts = training_facts(str(meta.get('cfg') or ''))
    known = {
        'iterations': meta.get('iter'),
        'trained until': meta.get('time'),
        'mmengine': meta.get('mmengine_version'),
    }
    classes = (meta.get('dataset_meta') or {}).get('classes') or ()
    is_pretraining = any(
        name.startswith('moco.') for name in state_dict_of(checkpoint)
    )
    kind = facts.model.rpartition('.')[2].removeprefix('AMT2')
    return write_card(
        CardFacts(
            title=final.stem,
            kind=kind or 'Detector',
            config=str(meta.get('experiment_name') or 'not told'),
            checkpoint=str(source),
            checkpoint_sha256=_sha256_of(source),
            files={final.name: hashlib.sha256(content).hexdigest()},
            classes=[str(one) for one in classes],
            data=[*facts.data, *data],
            versions={k: str(v) for k, v in known.items() if v is not None},
            how_to_load=_HOW_TO_LOAD.format(file=final.name),
            notes=[
                'Exported from a checkpoint of training: the weights of the '
                'detector alone.'
            ],
            use=_USE_OF_PRETRAINING if is_pretraining else USE_OF_A_DETECTOR,
            report=report,
        )
    )


def _sha256_of(source: Path) -> str:
    if not source.is_file():
        return 'not a file of this machine'
    digest = hashlib.sha256()
    with source.open('rb') as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()
