"""Whether the cells of a benchmark can be compared, and what they are of."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..size_bins import LARGEST_AREA
from .cells import Cell


def comparability_notes(cells: Sequence[Cell]) -> list[str]:
    """Name what differs between finished cells and should not.

    Args:
        cells (Sequence[Cell]): The cells.

    Returns:
        list[str]: Sentences; empty where nothing differs.
    """
    done = [cell for cell in cells if cell.status == 'done']
    notes = []
    tests = _distinct(cell.test_sha256 for cell in done)
    if len(tests) > 1:
        notes.append(
            f'The cells were tested with {len(tests)} different test files. '
            'Scores of different ones cannot be compared; gains are given '
            'for cells of the same file only.'
        )
    for key, group in _grouped(done, lambda c: (c.size.name, c.seed)).items():
        if len(_distinct(cell.split_sha256 for cell in group)) > 1:
            names = ', '.join(sorted({cell.arm for cell in group}))
            notes.append(
                f'At {key[0]}, seed {key[1]}, the arms ({names}) were not '
                'trained with the same labelled images.'
            )
    for arm in several_starts(done):
        notes.append(f'The cells of {arm} started from several checkpoints.')
    notes += _scoring_notes(done)
    own = [cell for cell in done if not cell.is_peer]
    commits = _distinct(cell.record.get('git_commit') for cell in own)
    if len(commits) > 1:
        notes.append(f'The cells are of {len(commits)} git commits.')
    for name, values in versions_of(own).items():
        if len(values) > 1:
            notes.append(
                f'The cells were run with different versions of {name}: '
                f'{", ".join(values)}.'
            )
    return notes


def several_starts(cells: Sequence[Cell]) -> list[str]:
    """Name the arms whose cells started from more than one checkpoint.

    Args:
        cells (Sequence[Cell]): The cells.

    Returns:
        list[str]: Names of arms.
    """
    groups = _grouped(cells, lambda cell: cell.arm)
    return [
        arm
        for arm, group in groups.items()
        if len(_distinct(c.record.get('start_sha256') for c in group)) > 1
    ]


def versions_of(cells: Iterable[Cell]) -> dict[str, list[str]]:
    """Collect the versions that the cells were run with.

    Args:
        cells (Iterable[Cell]): The cells.

    Returns:
        dict[str, list[str]]: Versions by name, usually one each.
    """
    versions: dict[str, list[str]] = {}
    for cell in cells:
        known = cell.record.get('versions') or cell.report.get('versions')
        for name, version in (known or {}).items():
            values = versions.setdefault(name, [])
            if str(version) not in values:
                values.append(str(version))
    return versions


def splits_of(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """List the annotation files that cells were trained and tested with.

    Args:
        cells (Sequence[Cell]): The cells.

    Returns:
        list[dict]: ``part``, ``size``, ``seed``, ``file``, ``sha256``,
        ``images`` and ``instances`` of each; None where not recorded.
    """
    rows: dict[tuple, dict[str, Any]] = {}
    for cell in cells:
        if cell.status != 'done':
            continue
        for part, key in (('train', 'split'), ('test', 'test')):
            known = dict(cell.record.get(key) or {})
            place = {'size': cell.size.title, 'seed': cell.seed}
            if part == 'test':
                known.setdefault('file', cell.test_file)
                known.setdefault('sha256', cell.test_sha256)
                counts = cell.report.get('counts') or {}
                known.setdefault('images', counts.get('num_images'))
                known.setdefault('instances', counts.get('num_instances'))
                place = {'size': None, 'seed': None}
            if known.get('sha256') is None:
                continue
            fields = ('file', 'sha256', 'images', 'instances')
            row = {'part': part, **place, **{f: known.get(f) for f in fields}}
            identity = part, row['size'], row['seed'], row['sha256']
            rows.setdefault(identity, row)
    return list(rows.values())


def _scoring_notes(cells: Sequence[Cell]) -> list[str]:
    """Name the cells whose metric was set otherwise than that of most."""
    notes = []
    for what, read in _SCORING.items():
        groups: dict[Any, list[Cell]] = {}
        for cell in cells:
            value = read(cell.report.get('details') or {})
            if value:
                groups.setdefault(value, []).append(cell)
        if len(groups) < 2:
            continue
        usual = max(groups, key=lambda value: len(groups[value]))
        rest = '; '.join(
            f'{_words(value)} in {", ".join(cell.name for cell in group)}'
            for value, group in groups.items()
            if value != usual
        )
        notes.append(
            f'The cells were not scored with the same {what}: {rest}; '
            f'{_words(usual)} in the others.'
        )
    return notes


def _size_bins(details: dict[str, Any]) -> tuple:
    by_metric = details.get('recall_by_size') or {}
    bins = next(iter(by_metric.values()), ())
    return tuple((name, low, high) for name, low, high, *_ in bins)


# Settings of the metric that change scores, from a report's details. A report
# of classes that were scored as one names one class.
_SCORING: dict[str, Callable[[dict[str, Any]], Any]] = {
    'max_dets': lambda details: details.get('max_dets'),
    'number of classes (class_agnostic)': lambda details: len(
        details.get('classes') or ()
    ),
    'size bins': _size_bins,
}


def _words(value: int | tuple) -> str:
    if isinstance(value, int):
        return str(value)
    return ', '.join(
        f'{name} from {low:g} px'
        if high >= LARGEST_AREA
        else f'{name} {low:g} to {high:g} px'
        for name, low, high in value
    )


def _distinct(values: Iterable[Any]) -> set[Any]:
    return {value for value in values if value}


def _grouped(cells: Sequence[Cell], key: Callable) -> dict[Any, list[Cell]]:
    groups: dict[Any, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(key(cell), []).append(cell)
    return groups
