"""What of a checkpoint reached a model."""

from collections import Counter
from dataclasses import dataclass

from torch import Tensor, nn

from cupre_mm.utils.checkpoint import rename_moco_keys
from cupre_mm.utils.errors import BadCheckpointError

_SHOWN = 8


@dataclass(frozen=True)
class LoadReport:
    """Names of weights by what became of them.

    Attributes:
        loaded (tuple[str]): In both, with the same shape.
        mismatched (tuple[str]): In both, with different shapes; not loaded.
        missing (tuple[str]): In the model only; keep their initial values.
        unexpected (tuple[str]): In the checkpoint only; left out.
    """

    loaded: tuple[str, ...]
    mismatched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def check_backbone(self, source: str) -> None:
        """Refuse a checkpoint that leaves the whole backbone as it was.

        Args:
            source (str): Name of the checkpoint, for the message.

        Raises:
            BadCheckpointError: If no weight of the backbone was loaded.
        """
        if any(name.startswith('backbone.') for name in self.loaded):
            return
        raise BadCheckpointError(
            f'{source} has no weight that fits the backbone of this model. '
            f'Its names begin with {sorted(_by_module(self.unexpected))[:5]}'
            f'; {len(self.mismatched)} names fit, but with other shapes. Is '
            'it a checkpoint of another architecture? load_from=None starts '
            'from random weights.'
        )

    def __str__(self) -> str:
        """One line a kind, with counts by module and the first names."""
        lines = []
        for kind in ('loaded', 'mismatched', 'missing', 'unexpected'):
            names = getattr(self, kind)
            line = f'{kind:>10}: {len(names)}'
            if names:
                counts = _by_module(names).items()
                line += f' ({", ".join(f"{m} {n}" for m, n in counts)})'
            if names and kind != 'loaded':
                rest = len(names) - _SHOWN
                line += ': ' + ', '.join(names[:_SHOWN])
                line += f', and {rest} more' if rest > 0 else ''
            lines.append(line)
        return '\n'.join(lines)


def _by_module(names: tuple[str, ...]) -> Counter:
    return Counter(name.split('.')[0] for name in names)


def compare_weights(
    model: nn.Module, state_dict: dict[str, Tensor]
) -> LoadReport:
    """Predict what loading a state dict into a model will do.

    Args:
        model (nn.Module): The model, not wrapped for distributed training.
        state_dict (dict[str, Tensor]): Weights by name.

    Returns:
        LoadReport: Names by what becomes of them.
    """
    given = dict(state_dict)
    if hasattr(model, 'moco'):
        rename_moco_keys(given)
    own = model.state_dict()
    common = [name for name in own if name in given]
    fits = {name for name in common if own[name].shape == given[name].shape}
    return LoadReport(
        loaded=tuple(name for name in common if name in fits),
        mismatched=tuple(name for name in common if name not in fits),
        missing=tuple(name for name in own if name not in given),
        unexpected=tuple(name for name in given if name not in own),
    )
