"""Publishing the detector of an AMT2 checkpoint."""

import hashlib
import os
from pathlib import Path

import torch

from cupre_mm.utils.checkpoint import read_checkpoint, state_dict_of
from cupre_mm.utils.errors import BadCheckpointError


def export_detector(source: str | Path, target: str | Path) -> Path:
    """Write the weights that a stock mmdet detector loads, and no more.

    Parameters of the contrastive branch (``moco.*``), optimizer and
    scheduler state are left out; ``meta`` is kept. Where an EMAHook ran, the
    averaged weights are written.

    Args:
        source (str | Path): Checkpoint of a training run.
        target (str | Path): File to write. The first eight hexadecimal
            digits of its sha256 are added to its name, as OpenMMLab's
            publish tool does: ``out.pth`` becomes ``out-1a2b3c4d.pth``.

    Returns:
        Path: The file that was written.

    Raises:
        MissingDataError: If ``source`` does not exist.
        BadCheckpointError: If it holds no weights of a detector.
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
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f'.{os.getpid()}.part')
    torch.save(
        dict(meta=checkpoint.get('meta', {}), state_dict=weights), partial
    )
    digest = hashlib.sha256(partial.read_bytes()).hexdigest()[:8]
    suffix = target.suffix or '.pth'
    final = target.with_name(f'{target.stem}-{digest}{suffix}')
    partial.replace(final)
    return final
