"""The scores of a benchmark as sections of Markdown."""

from ..report_tables import markdown_table
from .gains import Gain, Interval
from .grid import Arm
from .results import Results
from .run_checks import several_starts
from .score_summary import METRICS, SHOWN, Spread

_NOT_YET = '-'
_UNKNOWN = 'unknown'
_EQUAL = 'not told apart'


def score_sections(results: Results) -> list[str]:
    """Lay out AP by arm and size, a section for each setting.

    Args:
        results (Results): The results.

    Returns:
        list[str]: Paragraphs, headings and tables.
    """
    parts = []
    for setting in results.settings:
        suffix = f' ({setting})' if setting else ''
        parts.append(f'## Average precision{suffix}')
        arms = results.arms_of(setting)
        for metric in METRICS:
            parts += [f'AP_{metric}:', _ap_table(results, arms, metric)]
    parts.append(
        'AP times 100: mean ± standard deviation over the seeds, with their '
        'number in brackets; the best of a column is bold. '
        f'{_NOT_YET}: not run yet, or failed.'
    )
    return parts


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


def all_scores_section(results: Results) -> list[str]:
    """Lay out the scores of the cell field beside AP.

    Args:
        results (Results): The results.

    Returns:
        list[str]: Paragraphs, a heading and a table; empty without scores.
    """
    used = [
        name
        for name in SHOWN
        if any(score == name for _, _, score in results.summary)
    ]
    rows = []
    for size in results.grid.sizes:
        for arm in results.grid.arms:
            found = [
                results.summary.get((arm.name, size.name, name))
                for name in used
            ]
            if any(found):
                rows.append([size.title, _name(arm), *map(spread_text, found)])
    if not rows:
        return []
    header = ['labels', 'arm', *(SHOWN[name] for name in used)]
    note = (
        'All times 100. F1, PQ (panoptic quality), AJI (aggregated Jaccard '
        'index) and mean accuracy are of label images made of the '
        'detections from a score threshold on, mean over the test images; '
        'AP ranks all detections and needs no threshold.'
    )
    return ['## All scores', markdown_table([header, *rows]), note]


def paper_section(results: Results) -> list[str]:
    """Set the paper's figures beside those measured.

    Args:
        results (Results): The results.

    Returns:
        list[str]: A heading, a table and a paragraph; empty where nothing
        is measured nor published.
    """
    grid = results.grid
    sizes = {size.name: size.title for size in grid.sizes}
    names = [arm.name for arm in grid.arms]
    places = [(arm, size) for arm in names for size in sizes]
    # The paper may have arms and sizes that this grid lacks.
    for arm, of_sizes in grid.paper.items():
        places += [(arm, s) for s in of_sizes if (arm, s) not in places]
    rows = []
    for name, size in places:
        published = grid.paper.get(name, {}).get(size, {})
        row = [_name(grid.arm(name)), sizes.get(size, size)]
        for metric in METRICS:
            spread = results.summary.get((name, size, f'{metric}_mAP'))
            value = published.get(metric)
            row.append(spread_text(spread))
            row.append(_UNKNOWN if value is None else f'{value:g}')
        if any(one not in (_NOT_YET, _UNKNOWN) for one in row[2:]):
            rows.append(row)
    if not rows:
        return []
    header = ['arm', 'labels']
    for metric in METRICS:
        header += [f'AP_{metric}, measured', f'AP_{metric}, paper']
    return [
        '## Measured and published',
        markdown_table([header, *rows]),
        'measured: by us, in this run. paper: as published, at the '
        "paper's own scale and with its own splits, not comparable with a "
        f'run at a smaller scale. {_UNKNOWN}: not published, or not known '
        'to us.',
    ]


def read_gain(gain: Gain) -> str:
    """Say in a word what the interval of a gain tells.

    Args:
        gain (Gain): The gain.

    Returns:
        str: ``'better'``, ``'worse'``, ``'not told apart'``, or ``'-'``
        where there is no interval.
    """
    if gain.interval is None:
        return _NOT_YET
    if gain.interval.low > 0:
        return 'better'
    return 'worse' if gain.interval.high < 0 else _EQUAL


def spread_text(spread: Spread | None) -> str:
    """Write a score over the seeds.

    Args:
        spread (Spread, optional): The score; None where there is none.

    Returns:
        str: Mean, standard deviation and number, times 100.
    """
    if spread is None:
        return _NOT_YET
    sd = '' if spread.sd is None else f' ± {100 * spread.sd:.1f}'
    return f'{100 * spread.mean:.1f}{sd} ({spread.num})'


def _ap_table(results: Results, arms: list[Arm], metric: str) -> str:
    sizes = results.grid.sizes
    columns = []
    for size in sizes:
        key = size.name, f'{metric}_mAP'
        spreads = [results.summary.get((arm.name, *key)) for arm in arms]
        # What reads the same is as good.
        shown = [None if s is None else f'{100 * s.mean:.1f}' for s in spreads]
        best = max(filter(None, shown), key=float, default='')
        columns.append(
            [
                f'**{spread_text(spread)}**'
                if text == best
                else spread_text(spread)
                for spread, text in zip(spreads, shown)
            ]
        )
    rows = [[_name(arm), *values] for arm, *values in zip(arms, *columns)]
    return markdown_table([['arm', *(s.title for s in sizes)], *rows])


def _gains_by_size(results: Results, gains: list[Gain]) -> str:
    sizes = results.grid.sizes
    found = {(gain.arm, gain.size): gain for gain in gains}
    rows = []
    for arm in results.grid.arms:
        row = [found.get((arm.name, size.name)) for size in sizes]
        if any(row):
            rows.append([_name(arm), *map(_gain_cell, row)])
    return markdown_table([['arm', *(s.title for s in sizes)], *rows])


def _gain_cell(gain: Gain | None) -> str:
    if gain is None:
        return _NOT_YET
    mean = f'{100 * gain.mean:+.1f}'
    if gain.interval is None:
        return f'{mean} ({len(gain.by_seed)})'
    clear = read_gain(gain) != _EQUAL
    mean = f'**{mean}**' if clear else mean
    return f'{mean} {_interval(gain.interval)} ({len(gain.by_seed)})'


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
            _name(results.grid.arm(gain.arm)),
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
        'choose the labelled images too. Of few seeds they cover it in part '
        'only: three seeds drawn from three vary less than new ones would. '
        f'{start}. They do not cover other data sets.',
        'Bold, or "better" and "worse": the interval lies above or below 0. '
        f'It is not corrected for the {len(results.gains)} comparisons.',
    ]


def _name(arm: Arm) -> str:
    return f'{arm.title} (peer)' if arm.is_peer else arm.title


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return _NOT_YET
    return f'[{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]'


def _share(interval: Interval | None) -> str:
    if interval is None:
        return _NOT_YET
    return f'{100 * interval.share_not_above_zero:.1f} %'
