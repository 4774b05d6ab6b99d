"""What weights a fine-tuning starts from, and which model they fit."""

from dataclasses import dataclass
from pathlib import Path

from cupre_mm.utils.checkpoint import read_checkpoint
from cupre_mm.utils.errors import BadCheckpointError

SIZES = ('mini', 'full')
# Channels that the first block of ResNet-50's second stage gives.
_FULL_CHANNELS = 512
_PROBE = 'backbone.layer2.0.{}.weight'


@dataclass(frozen=True)
class StartingPoint:
    """The weights that a run starts from.

    Attributes:
        path (Path, optional): The checkpoint; None for random weights.
        kind (str): What it is, for people.
        size (str, optional): The model that it fits, one of :data:`SIZES`;
            None where any does.
    """

    path: Path | None
    kind: str
    size: str | None


def inspect_start(path: str | Path | None) -> StartingPoint:
    """Look into a checkpoint.

    Args:
        path (str | Path, optional): The checkpoint; None for random weights.

    Returns:
        StartingPoint: What it is.

    Raises:
        MissingDataError: If the file does not exist.
        BadCheckpointError: If it holds no backbone that fits.
    """
    if path is None:
        return StartingPoint(
            None, 'random weights (scratch): no --checkpoint is given', None
        )
    path = Path(path).expanduser().absolute()
    checkpoint = read_checkpoint(path)
    state = checkpoint.get('state_dict', checkpoint)
    channels = None
    for conv in ('conv3', 'conv2'):
        weight = state.get(_PROBE.format(conv))
        if weight is not None:
            channels = weight.shape[0]
            break
    if channels is None:
        raise BadCheckpointError(
            f'{path} has no {_PROBE.format("conv2")}, so it is no checkpoint '
            'of a ResNet detector of this project'
        )
    heads = state.get('roi_head.bbox_head.0.fc_cls.weight')
    if any(key.startswith('moco.') for key in state):
        kind = 'AMT2 pre-training (contrastive branch and detector)'
    elif heads is None:
        kind = 'a pre-trained backbone without detector heads'
    else:
        classes = heads.shape[0] - 1
        kind = f'a detector of {classes} class{"es" if classes > 1 else ""}'
        if classes > 1:
            kind += ' (COCO, or AMT2 exported without its branch)'
    size = 'full' if channels >= _FULL_CHANNELS else 'mini'
    return StartingPoint(path, kind, size)
