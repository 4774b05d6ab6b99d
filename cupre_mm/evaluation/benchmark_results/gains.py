"""Gains of arms over a baseline, seed by seed, and how sure they are.

The interval resamples the test images, the same for both arms and all seeds,
and, where there are several, the seeds, in which both arms are paired. Images
and seeds are crossed, not nested: all seeds are tested with the same images.
Resamples of few seeds vary less than new seeds would, so that the deviations
of the seeds are widened first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..paired_bootstrap import Bootstrap
from .cells import Cell
from .grid import Grid
from .score_summary import METRICS
from .weighted_ap import APMatches, weighted_ap

# So many put the ends of an interval within some 3 % of its width.
DEFAULT = Bootstrap(num_resamples=2000, method='percentile')
# AP of each resample, of a cell and a metric; None where it is not known.
Resampled = Callable[[Cell, str], np.ndarray | None]


@dataclass(frozen=True)
class Interval:
    """An interval of a gain.

    Attributes:
        low (float): Lower end.
        high (float): Upper end.
        share_not_above_zero (float): Share of the resamples in which there
            was no gain.
        with_seeds (bool): Whether the seeds were resampled too.
    """

    low: float
    high: float
    share_not_above_zero: float
    with_seeds: bool


@dataclass(frozen=True)
class Gain:
    """The gain of an arm over a baseline with labels of one size.

    Attributes:
        arm (str): The arm.
        baseline (str): The arm that it is compared with.
        size (str): Name of the size.
        metric (str): ``'bbox'`` or ``'segm'``.
        by_seed (dict[int, float]): Difference in AP of each seed that both
            have.
        interval (Interval, optional): Of the mean over the seeds; None
            where it is not known.
        intervals_by_seed (dict[int, Interval]): Of each seed, over the test
            images alone.
    """

    arm: str
    baseline: str
    size: str
    metric: str
    by_seed: dict[int, float]
    interval: Interval | None = None
    intervals_by_seed: dict[int, Interval] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean([*self.by_seed.values()]))

    @property
    def sd(self) -> float | None:
        """Spread of the paired differences; None of a single seed."""
        if len(self.by_seed) < 2:
            return None
        return float(np.std([*self.by_seed.values()], ddof=1))

    @property
    def exceeds_seed_spread(self) -> bool | None:
        """Whether the mean is above :attr:`sd`; None of a single seed."""
        return None if self.sd is None else self.mean > self.sd


def find_gains(
    grid: Grid,
    cells: Sequence[Cell],
    resampled: Resampled | None = None,
    bootstrap: Bootstrap = DEFAULT,
) -> list[Gain]:
    """Compare every arm with the baselines, size by size.

    Args:
        grid (Grid): The grid.
        cells (Sequence[Cell]): Its cells.
        resampled (Callable, optional): Gives the AP of each resample of the
            test images. Defaults to None: no intervals.
        bootstrap (Bootstrap): Level and seed of the intervals. Defaults to
            2,000 resamples.

    Returns:
        list[Gain]: By baseline, metric, size and arm; a pair without a seed
        in common is absent.
    """
    done = {(c.arm, c.size.name, c.seed): c for c in cells if c.metrics}
    gains = []
    for baseline in grid.baselines:
        for metric in METRICS:
            for size in grid.sizes:
                for arm in grid.arms:
                    if arm.name == baseline:
                        continue
                    pairs = _pairs(done, arm.name, baseline, size.name, metric)
                    if pairs:
                        gains.append(
                            _gain(
                                (arm.name, baseline, size.name, metric),
                                pairs,
                                resampled,
                                bootstrap,
                            )
                        )
    return gains


def draw_images(num_images: int, bootstrap: Bootstrap) -> np.ndarray:
    """Draw the test images of each resample.

    Args:
        num_images (int): Images of the test set.
        bootstrap (Bootstrap): Number and seed of the draws.

    Returns:
        np.ndarray: Times that each image was drawn, (R, I), the same at
        every call.
    """
    random = np.random.default_rng(bootstrap.seed)
    shares = np.full(num_images, 1 / num_images)
    return random.multinomial(
        num_images, shares, size=bootstrap.num_resamples
    ).astype(np.int32)


def resample_ap(
    matches: Mapping[str, APMatches], bootstrap: Bootstrap = DEFAULT
) -> dict[str, np.ndarray]:
    """Compute the AP of each resample of the test images.

    Args:
        matches (Mapping[str, APMatches]): Matches of a run by metric.
        bootstrap (Bootstrap): Number and seed of the draws. Defaults to
            2,000 resamples.

    Returns:
        dict[str, np.ndarray]: AP by metric, (R,); NaN where no instance was
        drawn.
    """
    return {
        metric: weighted_ap(one, draw_images(one.num_images, bootstrap))
        for metric, one in matches.items()
    }


def hierarchical(
    differences: np.ndarray, bootstrap: Bootstrap = DEFAULT
) -> np.ndarray:
    """Draw seeds for each resample of the images, and average.

    Means of S values drawn from S vary by (S - 1) / S of what means of S new
    values do; deviations from the mean over the seeds are therefore scaled by
    sqrt(S / (S - 1)), against the "narrowness bias" of Hesterberg, The
    American Statistician 69 (2015).

    Args:
        differences (np.ndarray): Difference in AP of each seed and resample,
            (S, R).
        bootstrap (Bootstrap): Seed of the draws. Defaults to 0.

    Returns:
        np.ndarray: Mean difference of each resample, (R,).
    """
    num_seeds, num_resamples = differences.shape
    if num_seeds > 1:
        mean = differences.mean(axis=0)
        scale = np.sqrt(num_seeds / (num_seeds - 1))
        differences = mean + scale * (differences - mean)
    # Another stream than that of the images.
    random = np.random.default_rng([bootstrap.seed, 1])
    drawn = random.integers(num_seeds, size=(num_seeds, num_resamples))
    return np.take_along_axis(differences, drawn, axis=0).mean(axis=0)


def _pairs(
    done: Mapping[tuple[str, str, int], Cell],
    arm: str,
    baseline: str,
    size: str,
    metric: str,
) -> dict[int, tuple[Cell, Cell]]:
    """Cells of both arms by the seeds that both have, on one test set."""
    found = {}
    for (name, of_size, seed), cell in done.items():
        other = done.get((baseline, size, seed))
        if name != arm or of_size != size or other is None:
            continue
        hashes = {cell.test_sha256, other.test_sha256} - {None}
        score = f'{metric}_mAP'
        both = score in cell.metrics and score in other.metrics
        if both and len(hashes) < 2:
            found[seed] = cell, other
    return dict(sorted(found.items()))


def _gain(
    key: tuple[str, str, str, str],
    pairs: Mapping[int, tuple[Cell, Cell]],
    resampled: Resampled | None,
    bootstrap: Bootstrap,
) -> Gain:
    metric = key[-1]
    score = f'{metric}_mAP'
    by_seed = {
        seed: cell.metrics[score] - other.metrics[score]
        for seed, (cell, other) in pairs.items()
    }
    if resampled is None:
        return Gain(*key, by_seed)
    differences = {}
    for seed, pair in pairs.items():
        values = [resampled(cell, metric) for cell in pair]
        if all(v is not None for v in values):
            differences[seed] = values[0] - values[1]
    intervals = {
        seed: _interval(values, bootstrap, with_seeds=False)
        for seed, values in differences.items()
    }
    whole = None
    # An interval of some of the seeds would not be that of the mean.
    if len(differences) == len(pairs):
        several = len(pairs) > 1
        values = hierarchical(np.array([*differences.values()]), bootstrap)
        whole = _interval(values, bootstrap, several)
    return Gain(*key, by_seed, whole, intervals)


def _interval(
    values: np.ndarray, bootstrap: Bootstrap, with_seeds: bool
) -> Interval:
    # Without an instance among the images drawn there is no AP.
    values = values[np.isfinite(values)]
    rest = (1 - bootstrap.confidence) / 2
    low, high = np.quantile(values, [rest, 1 - rest])
    return Interval(
        float(low), float(high), float((values <= 0).mean()), with_seeds
    )
