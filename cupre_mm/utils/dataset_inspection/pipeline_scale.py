"""By what factors a pipeline resizes images, without running it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# A range of scales is looked at in as many evenly spaced steps.
_STEPS_OF_RANGE = 5
_AS_STORED = 'as stored'


@dataclass(frozen=True)
class Scaling:
    """One scale that a pipeline may draw, for N images.

    Attributes:
        name (str): What it is, such as ``'1333x520'``.
        factors (np.ndarray): Factors of width and height, (N, 2).
    """

    name: str
    factors: np.ndarray


def scalings_of(
    pipeline: Sequence[Mapping[str, Any]], sizes: np.ndarray
) -> tuple[list[Scaling], list[str]]:
    """List the scales that a pipeline may draw.

    Known are ``Resize``, ``RandomResize``, ``RandomChoiceResize`` and
    ``FixScaleResize`` of mmcv and mmdet.

    Args:
        pipeline (Sequence[Mapping]): Transform configs.
        sizes (np.ndarray): Height and width of each image, (N, 2).

    Returns:
        tuple[list[Scaling], list[str]]: The scales, each as likely as the
        others, and the transforms that change sizes or places of instances
        and are not looked at: crops, and resizes of other types.
    """
    scalings = [Scaling(_AS_STORED, np.ones((len(sizes), 2)))]
    others = []
    for step in pipeline:
        kind = str(step['type']).rpartition('.')[2]
        options = _options(kind, step)
        if options is None:
            if any(word in kind for word in ('Resize', 'Crop', 'Affine')):
                others.append(kind)
            continue
        keep_ratio = step.get('keep_ratio', False)
        scalings = [
            Scaling(
                f'{before.name} {name}'.removeprefix(f'{_AS_STORED} '),
                _chained(before.factors, target, sizes, keep_ratio),
            )
            for before in scalings
            for name, target in options
        ]
    return scalings, others


def _options(
    kind: str, step: Mapping[str, Any]
) -> list[tuple[str, tuple | float]] | None:
    """Targets of a resize: a pair of edges or a factor; None for others."""
    if kind in ('Resize', 'FixScaleResize'):
        if step.get('scale') is not None:
            return [_named(_pair(step['scale']))]
        factor = step['scale_factor']
        return [(f'x{factor}', factor)]
    if kind == 'RandomChoiceResize':
        return [_named(_pair(scale)) for scale in step['scales']]
    if kind == 'RandomResize':
        return [_named(scale) for scale in _range_of(step)]
    return None


def _range_of(step: Mapping[str, Any]) -> list[tuple[int, int]]:
    scale = np.array(step['scale'], float)
    if scale.ndim == 2:
        low, high = scale.min(0), scale.max(0)
    else:
        low, high = (scale * ratio for ratio in step['ratio_range'])
    edges = np.linspace(low, high, _STEPS_OF_RANGE).astype(int)
    return list(dict.fromkeys(map(tuple, edges.tolist())))


def _pair(scale: Any) -> tuple[float, float]:
    return (scale, scale) if isinstance(scale, int) else tuple(scale)


def _named(scale: tuple[float, float]) -> tuple[str, tuple[float, float]]:
    return f'{scale[0]}x{scale[1]}', scale


def _chained(
    before: np.ndarray, target: Any, sizes: np.ndarray, keep_ratio: bool
) -> np.ndarray:
    """Factors of width and height after one more resize, (N, 2)."""
    wide_high = sizes[:, ::-1]
    now = np.rint(wide_high * before)
    if isinstance(target, (int, float)):
        new = now * target
    elif keep_ratio:
        factor = np.minimum(max(target) / now.max(1), min(target) / now.min(1))
        new = now * factor[:, None]
    else:
        new = np.broadcast_to(np.array(target, float), now.shape)
    # mmcv scales boxes by the sizes in whole pixels.
    return np.floor(new + 0.5) / wide_high
