"""Differences of two models on the same images, and how sure they are."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from cupre_mm.utils.errors import BadConfigError

METHODS = ('BCa', 'percentile')
# Resampled values that are in memory at a time.
_BATCH_VALUES = 4_000_000


@dataclass(frozen=True)
class Bootstrap:
    """How an interval is computed.

    Attributes:
        num_resamples (int): Samples drawn. Defaults to 10,000.
        confidence (float): Level of the interval, between 0 and 1.
            Defaults to 0.95.
        method (str): ``'BCa'``, bias-corrected and accelerated (Efron 1987),
            or ``'percentile'``. Defaults to ``'BCa'``.
        seed (int): Of the draws. Defaults to 0.

    Raises:
        BadConfigError: If a value cannot be used.
    """

    num_resamples: int = 10_000
    confidence: float = 0.95
    method: str = 'BCa'
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_resamples < 100:
            raise BadConfigError(
                'the bootstrap needs at least 100 resamples, got '
                f'{self.num_resamples}'
            )
        if not 0 < self.confidence < 1:
            raise BadConfigError(
                'the confidence level must lie between 0 and 1, got '
                f'{self.confidence}'
            )
        if self.method not in METHODS:
            raise BadConfigError(
                f'the bootstrap method must be one of {METHODS}, got '
                f'{self.method!r}'
            )


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference over images that both models predicted.

    Attributes:
        num_images (int): Images compared.
        mean (float): Mean difference; None of no image.
        low (float): Lower end of the mean's interval; None of fewer than
            two images.
        high (float): Its upper end.
        better (float): Share of images on which the model is better; None of
            no image.
        worse (float): Share of images on which it is worse.
        p_value (float): Of Wilcoxon's signed-rank test, two-sided; None of
            no image.
        method (str): Method of the interval. ``'percentile'`` also where
            BCa is not defined for the values.
    """

    num_images: int
    mean: float | None
    low: float | None
    high: float | None
    better: float | None
    worse: float | None
    p_value: float | None
    method: str


def paired_difference(
    differences: np.ndarray,
    higher_is_better: bool = True,
    bootstrap: Bootstrap | None = None,
) -> PairedDifference:
    """Estimate the mean of paired differences.

    Whole pairs are resampled: an image that is hard for both models stays
    hard for both.

    Args:
        differences (np.ndarray): The model's value minus the baseline's of
            each image, (N,), all finite.
        higher_is_better (bool): Whether a positive difference is a gain.
            Defaults to True.
        bootstrap (Bootstrap, optional): How to compute the interval.
            Defaults to None, the defaults of :class:`Bootstrap`.

    Returns:
        PairedDifference: The estimate.
    """
    bootstrap = bootstrap or Bootstrap()
    differences = np.asarray(differences, float)
    if len(differences) == 0:
        return PairedDifference(0, *[None] * 6, bootstrap.method)
    low, high, method = _interval(differences, bootstrap)
    gains = differences if higher_is_better else -differences
    return PairedDifference(
        num_images=len(differences),
        mean=float(differences.mean()),
        low=low,
        high=high,
        better=float((gains > 0).mean()),
        worse=float((gains < 0).mean()),
        p_value=_signed_rank_p(differences),
        method=method,
    )


def _interval(
    differences: np.ndarray, bootstrap: Bootstrap
) -> tuple[float | None, float | None, str]:
    if len(differences) < 2:
        return None, None, bootstrap.method
    if np.ptp(differences) == 0:
        value = float(differences[0])
        return value, value, bootstrap.method
    for method in (bootstrap.method, 'percentile'):
        with warnings.catch_warnings():
            # BCa of degenerate values is NaN, which is looked for below.
            warnings.simplefilter('ignore', stats.DegenerateDataWarning)
            interval = stats.bootstrap(
                (differences,),
                np.mean,
                n_resamples=bootstrap.num_resamples,
                batch=max(_BATCH_VALUES // len(differences), 1),
                confidence_level=bootstrap.confidence,
                method=method,
                # scipy before 1.15 does not know `rng`.
                random_state=np.random.default_rng(bootstrap.seed),
            ).confidence_interval
        if np.isfinite(interval).all():
            break
    return float(interval.low), float(interval.high), method


def _signed_rank_p(differences: np.ndarray) -> float:
    if not differences.any():
        return 1.0
    # Pratt's way lets images without a difference count as evidence for
    # none. Values are rounded so that equal differences rank as ties.
    rounded = np.round(differences, 12)
    return float(stats.wilcoxon(rounded, zero_method='pratt').pvalue)
