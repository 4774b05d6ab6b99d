"""What the draws of a run depend on, noted to be compared on resume."""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.dist import get_world_size
from torch.utils.data import DataLoader

from cupre_mm.datasets import DualDataLoader
from cupre_mm.utils.errors import BadConfigError

# Names that are hashed, evenly spread: all of a COCO take seconds. One image
# more or less moves the others, and is found.
_MOST_HASHED = 10_000
_ADVICE = dict(
    world_size='start as many processes as before',
    schedule='set train_cfg.schedule and its warm-up as before',
)


def stream_record(
    loader: DualDataLoader | DataLoader, seed: int
) -> dict[str, Any]:
    """Note what decides which image is drawn when.

    Args:
        loader (DualDataLoader | DataLoader): Data loader of the run.
        seed (int): Seed that it was built with.

    Returns:
        dict: Values of plain types by name. The number of workers is none.
    """
    record: dict[str, Any] = dict(world_size=get_world_size())
    if isinstance(loader, DualDataLoader):
        schedule = loader.schedule
        record['schedule'] = list(schedule.steps)
        if schedule.warmup_iters:
            record['schedule'] = [
                f'{schedule.warmup_iters} x',
                *schedule.warmup_steps,
                'then',
                *schedule.steps,
            ]
        loaders = {
            f'train_dataloader.{task}': one
            for task, one in loader.loaders.items()
        }
    else:
        loaders = {'train_dataloader': loader}
    for name, one in loaders.items():
        record[f'{name}.batch_size'] = one.batch_size
        record[f'{name}.sampler'] = _describe_sampler(one.sampler, seed)
        record[f'{name}.dataset'] = _describe_dataset(one.dataset)
    return record


def check_same_stream(before: Mapping[str, Any], now: Mapping) -> None:
    """Refuse to go on with draws that would be others.

    Args:
        before (Mapping): Record of the checkpoint.
        now (Mapping): Record of this run.

    Raises:
        BadConfigError: If they differ.
    """
    changed = [
        name for name in {**before, **now} if before.get(name) != now.get(name)
    ]
    if not changed:
        return
    listed = '; '.join(
        f'{name} was {before.get(name)!r} and is {now.get(name)!r} now '
        f'({_ADVICE.get(name, f"set {name} as before")})'
        for name in changed
    )
    raise BadConfigError(
        f'the run cannot go on exactly: {listed}. To take over weights and '
        'optimizer alone, and draw images from the start, add --cfg-options '
        'train_cfg.fast_forward_on_resume=True; to begin a new run with the '
        'weights, load_from=CHECKPOINT without --resume'
    )


def _describe_sampler(sampler: Any, seed: int) -> str:
    inner = getattr(sampler, 'sampler', sampler)
    parts = [f'shuffle={getattr(inner, "shuffle", None)}']
    own = getattr(inner, 'seed', None)
    if own != seed:
        parts.append(f'seed={own}')
    shares = getattr(inner, 'shares', None)
    if shares:
        parts.append(
            ', '.join(f'{name} {share:.6f}' for name, share in shares.items())
        )
    return f'{type(inner).__name__}({", ".join(parts)})'


def _describe_dataset(dataset: Any) -> str:
    size = len(dataset)
    digest = hashlib.sha256()
    dataset = getattr(dataset, 'dataset', dataset)
    step = max(1, -(-size // _MOST_HASHED))
    for index in range(0, size, step):
        name = _name_of(dataset, index)
        if name is None:
            return f'{size} images'
        digest.update(name.encode() + b'\n')
    return f'{size} images, names {digest.hexdigest()[:12]}'


def _name_of(dataset: Any, index: int) -> str | None:
    if isinstance(dataset, BaseDataset):
        # Not what a subclass adds: annotations take their time.
        info = BaseDataset.get_data_info(dataset, index)
    elif hasattr(dataset, 'get_data_info'):
        info = dataset.get_data_info(index)
    else:
        return None
    path = info.get('img_path') if isinstance(info, Mapping) else None
    if not isinstance(path, str):
        return None
    # Data that was moved as a whole is the same data.
    root = str(getattr(dataset, 'data_root', None) or '')
    inside = root and path.startswith(root)
    return path[len(root) :].lstrip('/') if inside else os.path.basename(path)
