"""What a CellMetric is asked to measure, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError

from .size_bins import SizeBin, resolve_size_bins

# LIVECell's official evaluation (code/coco_evaluation.py of its repository).
PRESETS: dict[str, dict[str, Any]] = {
    'livecell': {
        'max_dets': 2000,
        'proposal_nums': (100, 500, 2000),
        'size_bins': 'livecell',
        'class_agnostic': True,
    }
}
_DEFAULTS = {'max_dets': 3000, 'size_bins': 'coco', 'class_agnostic': False}


@dataclass(frozen=True)
class MetricSettings:
    """What is measured.

    Args:
        metrics (list[str]): ``'bbox'``, ``'segm'`` or both.
        max_dets (int): Detections of a class in an image that count.
        caps (list[int]): Ascending caps that recall is given at, the last
            one ``max_dets``.
        bins (tuple[SizeBin]): Size bins.
        class_agnostic (bool): Whether all classes are scored as one.
        items (list[str]): Which values the results hold.
    """

    metrics: list[str]
    max_dets: int
    caps: list[int]
    bins: tuple[SizeBin, ...]
    class_agnostic: bool
    items: list[str]


def resolve_settings(
    metric: str | Sequence[str],
    preset: str | None = None,
    max_dets: int | None = None,
    proposal_nums: Sequence[int] | None = None,
    size_bins: str | Mapping[str, tuple[float, float]] | None = None,
    class_agnostic: bool | None = None,
    metric_items: Sequence[str] | None = None,
) -> MetricSettings:
    """Fill in what a config leaves open, and check the whole.

    Args:
        metric (str or Sequence[str]): See :class:`.CellMetric`, as all.
        preset (str, optional): Defaults to None.
        max_dets (int, optional): Defaults to None.
        proposal_nums (Sequence[int], optional): Defaults to None.
        size_bins (str or Mapping, optional): Defaults to None.
        class_agnostic (bool, optional): Defaults to None.
        metric_items (Sequence[str], optional): Defaults to None.

    Returns:
        MetricSettings: The settings.

    Raises:
        BadConfigError: If an argument cannot be used, or contradicts the
            preset.
    """
    given = {
        'max_dets': max_dets,
        'proposal_nums': proposal_nums,
        'size_bins': size_bins,
        'class_agnostic': class_agnostic,
    }
    with config_values(
        'CellMetric',
        metric=metric,
        preset=preset,
        metric_items=metric_items,
        **given,
    ):
        return _resolve(metric, preset, given, metric_items)


def resolve_thresholds(iou_thrs: float | Sequence[float]) -> np.ndarray:
    """Bring IoU thresholds to an array, and check them.

    Args:
        iou_thrs (float or Sequence[float]): One or more.

    Returns:
        np.ndarray: (T,), float.

    Raises:
        BadConfigError: If one is not above 0 and at most 1.
    """
    with config_values('CellMetric', iou_thrs=iou_thrs):
        thresholds = np.atleast_1d(np.asarray(iou_thrs, float))
        if (
            thresholds.ndim > 1
            or not ((thresholds > 0) & (thresholds <= 1)).all()
        ):
            raise ValueError('every threshold is above 0 and at most 1')
    return thresholds


def _resolve(
    metric: str | Sequence[str],
    preset: str | None,
    given: dict[str, Any],
    metric_items: Sequence[str] | None,
) -> MetricSettings:
    metrics = [metric] if isinstance(metric, str) else list(metric)
    unknown = [name for name in metrics if name not in ('bbox', 'segm')]
    if unknown or not metrics:
        raise BadConfigError(
            f"CellMetric's metric is 'bbox', 'segm' or both, not "
            f'{metric!r}; use mmdet.CocoMetric for proposals'
        )
    used = _with_preset(preset, given)
    cap = used['max_dets']
    if not _is_cap(cap):
        raise BadConfigError(
            f'max_dets must be a positive whole number, got {cap!r}'
        )
    caps = used.get('proposal_nums')
    if caps is None:
        caps = [other for other in (100, 1000) if other < cap]
    if not all(_is_cap(other) and other <= cap for other in caps):
        raise BadConfigError(
            f'proposal_nums must lie between 1 and max_dets={cap}, '
            f'got {tuple(caps)}'
        )
    caps = sorted({*caps, cap})
    bins = resolve_size_bins(used['size_bins'])
    usual = ['mAP', 'mAP_50', 'mAP_75', *(f'mAP_{b.key}' for b in bins), 'AR']
    further = [f'AR@{n}' for n in caps] + [f'AR_{b.key}' for b in bins]
    bad = [item for item in metric_items or () if item not in usual + further]
    if bad:
        raise BadConfigError(
            f'metric_items {bad} are not known to CellMetric; it has '
            f'{usual + further}'
        )
    return MetricSettings(
        metrics=metrics,
        max_dets=cap,
        caps=caps,
        bins=bins,
        class_agnostic=used['class_agnostic'],
        items=list(metric_items or (usual + further if preset else usual)),
    )


def _is_cap(value: Any) -> bool:
    # The matching counts in 32 bits.
    return (
        isinstance(value, Integral)
        and not isinstance(value, bool)
        and 0 < value < 2**31
    )


def _with_preset(preset: str | None, given: dict[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in given.items() if value is not None}
    if preset is None:
        return {**_DEFAULTS, **given}
    if preset not in PRESETS:
        raise BadConfigError(
            f'preset is one of {sorted(PRESETS)} or None, not {preset!r}'
        )
    fixed = PRESETS[preset]
    for key, value in given.items():
        same = value == fixed[key]
        if key == 'proposal_nums':
            same = sorted(value) == sorted(fixed[key])
        if not same:
            raise BadConfigError(
                f'preset={preset!r} stands for {key}={fixed[key]!r}, but '
                f'{key}={value!r} is given; leave one of them out (preset='
                'None in a config that inherits the preset)'
            )
    return dict(fixed)
