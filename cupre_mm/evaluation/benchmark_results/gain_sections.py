"""The gains of a benchmark as sections of Markdown."""

from ..report_tables import markdown_table
from .gains import Gain, Interval
from .results import Results
from .run_checks import several_starts
from .score_summary import METRICS

_NOT_YET = '-'
_EQUAL = 'not told apart'
# Simulated with Gaussian seeds and images: 1,000 resamples, 10,000 grids.
_COVERAGE = (
    'Of few seeds the intervals are too narrow, though the deviations of the '
    'seeds are widened by sqrt(S / (S - 1)). In simulations a 95 % interval '
    'held the true gain in 61 % of the cases with 2 seeds, 81 % with 3, 87 % '
    'with 5 and 92 % with 10 where all noise was that of the seeds, and in '
    '90 %, 92 %, 94 % and 94 % where the images brought as much noise as the '
    'seeds. Take "better" or "worse" of two or three seeds as a hint.'
)


def gain_sections(results: Results) -> list[str]:
    """Lay out the gains over the baselines and how sure they are.

    Args:
        results (Results): The results.

    Returns:
        list[str]: Paragraphs, headings and tables; empty without gains.
    """
    parts = []
    for baseline in results.grid.baselines:
        gains = [gain for gain in results.gains if gain.baseline == baseline]
        if not gains:
            continue
        parts.append(f'## Gain over {results.grid.arm(baseline).title}')
        for metric in METRICS:
            of_metric = [gain for gain in gains if gain.metric == metric]
            if of_metric:
                table = _gains_by_size(results, of_metric)
                parts += [f'AP_{metric}:', table]
        parts.append(
            '<details><summary>Each gain by seed</summary>\n\n'
            f'{_gain_table(results, gains)}\n\n</details>'
        )
    if parts:
        parts.append('\n'.join(f'- {line}' for line in _gain_notes(results)))
    return parts


def read_gain(gain: Gain) -> str:
    """Say in words what the interval of a gain tells.

    Args:
        gain (Gain): The gain.

    Returns:
        str: ``'better'``, ``'worse'`` or ``'not told apart'``; of one seed
        ``'higher on these images (one seed)'`` and the like, as another
        training may tell otherwise; ``'-'`` where there is no interval.
    """
    if gain.interval is None:
        return _NOT_YET
    if not _is_clear(gain):
        return _EQUAL
    above = gain.interval.low > 0
    if gain.interval.with_seeds:
        return 'better' if above else 'worse'
    return f'{"higher" if above else "lower"} on these images (one seed)'


def _gains_by_size(results: Results, gains: list[Gain]) -> str:
    sizes = results.grid.sizes
    found = {(gain.arm, gain.size): gain for gain in gains}
    rows = []
    for arm in results.grid.arms:
        row = [found.get((arm.name, size.name)) for size in sizes]
        if any(row):
            rows.append([arm.label, *map(_gain_cell, row)])
    return markdown_table([['arm', *(s.title for s in sizes)], *rows])


def _gain_cell(gain: Gain | None) -> str:
    if gain is None:
        return _NOT_YET
    mean = f'{100 * gain.mean:+.1f}'
    if gain.interval is None:
        return f'{mean} ({len(gain.by_seed)})'
    if gain.interval.with_seeds and _is_clear(gain):
        mean = f'**{mean}**'
    return f'{mean} {_interval(gain.interval)} ({len(gain.by_seed)})'


def _is_clear(gain: Gain) -> bool:
    """Whether the interval holds no 0."""
    return gain.interval.low > 0 or gain.interval.high < 0


def _gain_table(results: Results, gains: list[Gain]) -> str:
    titles = {size.name: size.title for size in results.grid.sizes}
    header = ['metric', 'labels', 'arm', 'gain', '95 % interval', 'reading']
    if results.bootstrap is not None:
        header[4] = f'{100 * results.bootstrap.confidence:g} % interval'
    header += ['resamples without a gain', 'sd of the paired gains']
    header += ['above the seed spread', 'by seed, over the images alone']
    rows = [
        [
            f'AP_{gain.metric}',
            titles[gain.size],
            results.grid.arm(gain.arm).label,
            f'{100 * gain.mean:+.1f} ({len(gain.by_seed)})',
            _interval(gain.interval),
            read_gain(gain),
            _share(gain.interval),
            _NOT_YET if gain.sd is None else f'{100 * gain.sd:.1f}',
            {None: _NOT_YET, True: 'yes', False: 'no'}[
                gain.exceeds_seed_spread
            ],
            '; '.join(
                f'{seed}: {100 * value:+.1f} '
                f'{_interval(gain.intervals_by_seed.get(seed))}'
                for seed, value in gain.by_seed.items()
            ),
        ]
        for gain in gains
    ]
    return markdown_table([header, *rows])


def _gain_notes(results: Results) -> list[str]:
    lines = [
        'Differences of AP times 100: mean over the seeds that both arms '
        'have, with their number in round brackets. "Above the seed spread": '
        'the mean gain is larger than the standard deviation of the paired '
        f'gains over the seeds; unknown ({_NOT_YET}) of one seed.',
    ]
    bootstrap = results.bootstrap
    if bootstrap is None:
        return [*lines, 'The intervals are computed at the end of the grid.']
    start = (
        'They cover the pre-training seed for the arms that started from '
        'several checkpoints'
        if several_starts(results.cells)
        else 'They do not cover the pre-training seed, as all cells of an '
        'arm start from the same checkpoint'
    )
    several = any(len(gain.by_seed) > 1 for gain in results.gains)
    coverage = [_COVERAGE] if several else []
    return [
        *lines,
        f'In square brackets the {100 * bootstrap.confidence:g} % interval of '
        f'a paired bootstrap ({bootstrap.method}, '
        f'{bootstrap.num_resamples:,} resamples, seed {bootstrap.seed}): '
        'test images are drawn with replacement, the same for both arms and '
        'all seeds, and AP is computed anew from the detections of the '
        'images drawn; where there are several seeds, they are drawn too, '
        'the same for both arms.',
        'The intervals cover the choice of the test images and, where the '
        'number of seeds is above 1, of the fine-tuning seed, which may '
        'choose the labelled images too. '
        f'{start}. They do not cover other data sets.',
        *coverage,
        'Bold, or "better" and "worse": there are several seeds, and the '
        'interval lies above or below 0. Of one seed such a gain is only '
        '"higher" or "lower on these images", not bold: training again may '
        f'turn it. No correction is made for the {len(results.gains)} '
        'comparisons.',
    ]


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return _NOT_YET
    return f'[{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]'


def _share(interval: Interval | None) -> str:
    if interval is None:
        return _NOT_YET
    return f'{100 * interval.share_not_above_zero:.1f} %'
