"""Publishing the detector of an AMT2 checkpoint."""

import hashlib
import io
from pathlib import Path

import torch

from cupre_mm.utils.checkpoint import read_checkpoint, state_dict_of
from cupre_mm.utils.errors import BadCheckpointError
from cupre_mm.utils.whole_file import write_whole_file


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
    write_whole_file(final, content)
    return final
