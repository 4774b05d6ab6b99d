"""The scores of a benchmark as sections of Markdown."""

from collections.abc import Iterable

from ..report_tables import markdown_table
from .grid import Arm
from .results import Results
from .score_summary import METRICS, SHOWN, Spread

_NOT_YET = '-'
_UNKNOWN = 'unknown'
_APS = [f'{metric}_mAP' for metric in METRICS]
THRESHOLD_NOTE = (
    'Of our arms the detections with a score of 0.5 or more count. That suits '
    "a peer's tuned thresholds better than detectors trained on few labels, "
    'whose scores are low: docs/peers.md has an example in numbers.'
)


def score_sections(results: Results) -> list[str]:
    """Lay out AP by arm and size, a section for each setting.

    Args:
        results (Results): The results.

    Returns:
        list[str]: Paragraphs, headings and tables.
    """
    parts = []
    lacking: dict[tuple[str, str], set[int]] = {}
    for setting in results.settings:
        suffix = f' ({setting})' if setting else ''
        parts.append(f'## Average precision{suffix}')
        arms = results.arms_of(setting)
        for metric in METRICS:
            parts += [f'AP_{metric}:', _ap_table(results, arms, metric)]
            lacking |= _lacking_seeds(results, arms, metric)
    parts.append(
        'AP times 100: mean ± standard deviation over the seeds, with their '
        'number in brackets; the best of a column is bold, of the arms that '
        f'have all of its seeds. {_NOT_YET}: not run yet, or failed.'
    )
    if lacking:
        names = []
        for (arm, size), seeds in lacking.items():
            listed = ', '.join(str(seed) for seed in sorted(seeds))
            names.append(f'{arm} at {size} (without seed {listed})')
        parts.append(
            f'Not of all seeds, and so never bold: {"; ".join(names)}.'
        )
    peers = [
        arm.title
        for arm in results.grid.arms
        if arm.is_peer
        and any(
            name == arm.name and score in _APS
            for name, _, score in results.summary
        )
    ]
    if peers:
        parts.append(
            f'AP of {", ".join(peers)}: a peer gives label images without '
            'scores. Its instances are ranked by the mean of the predicted '
            'cell probability in the mask, and the unsure ones that make the '
            'tail of low scores of a detector were dropped by the peer, '
            'which costs AP; see docs/peers.md.'
        )
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
                rows.append([size.title, arm.label, *map(spread_text, found)])
    if not rows:
        return []
    header = ['labels', 'arm', *(SHOWN[name] for name in used)]
    note = (
        'All times 100. F1, PQ (panoptic quality), AJI (aggregated Jaccard '
        'index) and mean accuracy are of label images made of the '
        'detections from a score threshold on, mean over the test images; '
        'AP ranks all detections and needs no threshold.'
    )
    parts = ['## All scores', markdown_table([header, *rows]), note]
    if any(arm.is_peer for arm in results.grid.arms):
        parts.append(THRESHOLD_NOTE)
    return parts


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
        row = [grid.arm(name).label, sizes.get(size, size)]
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
        full = _all_seeds(spreads)
        # What reads the same is as good.
        shown = [
            f'{100 * spread.mean:.1f}'
            if spread and {*spread.values} == full
            else None
            for spread in spreads
        ]
        best = max(filter(None, shown), key=float, default='')
        columns.append(
            [
                f'**{spread_text(spread)}**'
                if text == best
                else spread_text(spread)
                for spread, text in zip(spreads, shown)
            ]
        )
    rows = [[arm.label, *values] for arm, *values in zip(arms, *columns)]
    return markdown_table([['arm', *(s.title for s in sizes)], *rows])


def _lacking_seeds(
    results: Results, arms: list[Arm], metric: str
) -> dict[tuple[str, str], set[int]]:
    """Seeds by arm and size that others have in the same column."""
    found = {}
    for size in results.grid.sizes:
        key = size.name, f'{metric}_mAP'
        spreads = [results.summary.get((arm.name, *key)) for arm in arms]
        full = _all_seeds(spreads)
        for arm, spread in zip(arms, spreads):
            if spread and full - {*spread.values}:
                found[arm.label, size.title] = full - {*spread.values}
    return found


def _all_seeds(spreads: Iterable[Spread | None]) -> set[int]:
    """The largest set of seeds, the first of several."""
    return max(
        ({*spread.values} for spread in spreads if spread),
        key=len,
        default=set(),
    )
