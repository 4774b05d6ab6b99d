"""How a benchmark was run, as sections of Markdown."""

from ..report_tables import markdown_table
from .cells import count_states
from .grid import Arm, Size
from .results import Results, fairness_rows
from .run_checks import splits_of, versions_of
from .score_sections import THRESHOLD_NOTE, spread_text
from .score_summary import OWN_SHOWN

_ERROR_LENGTH = 300
_UNKNOWN = 'unknown'
_BUDGET_TITLES = {
    'det_images': 'detection images',
    'moco_images': 'unlabelled images',
    'steps': 'optimizer steps',
    'before': 'began with',
}


def progress_line(results: Results) -> str:
    """Count the cells by state.

    Args:
        results (Results): The results.

    Returns:
        str: A sentence.
    """
    counts = count_states(results.cells)
    rest = [
        f'{counts[state]} {state}'
        for state in ('failed', 'running', 'missing')
        if counts[state]
    ]
    line = f'{counts["done"]} of {counts["all"]} cells are finished'
    return f'{line}; {", ".join(rest)}.' if rest else f'{line}.'


def failure_section(results: Results) -> list[str]:
    """List what failed, with the end of its message.

    Args:
        results (Results): The results.

    Returns:
        list[str]: A heading and a list; empty where nothing failed.
    """
    failed = {
        f'{folder} (what starts from it is not run)': error
        for folder, error in results.failed_stages.items()
    }
    for cell in results.cells:
        if cell.status == 'failed':
            failed[f'cells/{cell.name}'] = cell.error
    if not failed:
        return []
    lines = []
    for name, error in failed.items():
        words = ' '.join(error.split())
        # The last words of a log say what went wrong.
        shown = words[-_ERROR_LENGTH:]
        dots = '... ' if len(words) > _ERROR_LENGTH else ''
        lines.append(f'- {name}: {dots}{shown}')
    return ['## Failures', '\n'.join(lines)]


def fairness_section(results: Results) -> list[str]:
    """Set side by side what each arm was given.

    Args:
        results (Results): The results.

    Returns:
        list[str]: A heading and a table, or a sentence that it is unknown.
    """
    rows = fairness_rows(results.grid)
    title = '## What the pre-training of each arm was given'
    if not rows:
        return [title, 'benchmark.json does not tell.']
    # What no arm has, such as a checkpoint to begin with, needs no column.
    keys = dict.fromkeys(
        key
        for row in rows.values()
        for key, value in row.items()
        if value is not None
    )
    titles = [_BUDGET_TITLES.get(key, key.replace('_', ' ')) for key in keys]
    table = [['arm', *titles]]
    for name, row in rows.items():
        values = [_text(row.get(key), '-') for key in keys]
        table.append([results.grid.arm(name).title, *values])
    return [title, markdown_table(table)]


def peer_section(results: Results) -> list[str]:
    """Tell the peers' scores of all arms, and their recipes.

    Args:
        results (Results): The results.

    Returns:
        list[str]: Headings, tables and lists; empty without peers.
    """
    parts = []
    for peer in dict.fromkeys(p for *_, p, _ in results.own_scores):
        found = {
            (arm, size, score): spread
            for (arm, size, name, score), spread in results.own_scores.items()
            if name == peer
        }
        scores = [s for s in OWN_SHOWN if any(s == key[2] for key in found)]
        rows = [
            [size.title, arm.title]
            + [
                spread_text(found.get((arm.name, size.name, s)))
                for s in scores
            ]
            for size in results.grid.sizes
            for arm in results.grid.arms
            if any(key[:2] == (arm.name, size.name) for key in found)
        ]
        header = ['labels', 'arm', *(OWN_SHOWN[s] for s in scores)]
        parts += [
            f'## Scores by the own metrics of {peer}',
            markdown_table([header, *rows]),
            f'Times 100, of the same predictions; {peer} defines them. '
            f'{THRESHOLD_NOTE}',
        ]
    for arm in results.grid.arms:
        changes = _deviations(results, arm)
        if changes:
            parts.append(
                f'{arm.title} differs from its documented recipe:\n\n'
                + '\n'.join(f'- {change}' for change in changes)
            )
    return parts


def origin_section(results: Results) -> list[str]:
    """Tell versions, commit, splits and commands.

    Args:
        results (Results): The results.

    Returns:
        list[str]: A heading, paragraphs and tables.
    """
    done = [cell for cell in results.cells if cell.status == 'done']
    parts = ['## How it was run']
    own = [cell for cell in done if not cell.is_peer]
    commits = dict.fromkeys(
        str(cell.record['git_commit'])
        for cell in own
        if cell.record.get('git_commit')
    )
    content = results.grid.content
    known = ', '.join(commits) or content.get('git_commit')
    state = str(known or _UNKNOWN)
    dirty = [content, *(cell.record for cell in own)]
    if known and any(one.get('git_dirty') for one in dirty):
        state += ', with changes that were not committed'
    parts.append(f'Git commit: {state}.')
    versions = versions_of(own)
    shown = (f'{name} {" / ".join(v)}' for name, v in versions.items())
    parts.append(f'Versions: {", ".join(shown) or _UNKNOWN}.')
    peers = versions_of(cell for cell in done if cell.is_peer)
    if peers:
        shown = (f'{name} {" / ".join(v)}' for name, v in peers.items())
        parts.append(f'Versions of the peers: {", ".join(shown)}.')
    splits = splits_of(done)
    if splits:
        header = ['part', 'labels', 'seed', 'images', 'instances', 'sha256']
        table = [
            [
                row['part'],
                row['size'] or 'all',
                _text(row['seed'], 'all'),
                _text(row['images']),
                _text(row['instances']),
                row['sha256'][:16],
            ]
            for row in splits
        ]
        parts.append(markdown_table([header, *table]))
    commands = [
        f'# {cell.name}\n{_command(cell.record["command"])}'
        for cell in results.cells
        if cell.record.get('command')
    ]
    if commands:
        block = '\n'.join(commands)
        parts.append(
            '<details><summary>The command of each cell</summary>\n\n'
            f'```\n{block}\n```\n\n</details>'
        )
    return parts


def _deviations(results: Results, arm: Arm) -> list[str]:
    """What finished cells did otherwise than documented, and which."""
    done = [
        c for c in results.cells if c.arm == arm.name and c.status == 'done'
    ]
    places: dict[str, dict[Size, list[int]]] = {}
    for cell in done:
        for change in cell.record.get('deviations') or ():
            at = places.setdefault(str(change), {})
            at.setdefault(cell.size, []).append(cell.seed)
    lines = []
    for change, at in places.items():
        words = []
        for size, seeds in at.items():
            # A size is named alone where it holds for all of its seeds.
            some = len(seeds) < sum(cell.size == size for cell in done)
            which = f' (seed {", ".join(map(str, seeds))})' if some else ''
            words.append(f'{size.title}{which}')
        lines.append(f'{change}, at {", ".join(words)}')
    return lines


def _command(command: str | list) -> str:
    """A command, or several, one a line."""
    if isinstance(command, str):
        return command
    if all(isinstance(part, str) for part in command):
        return ' '.join(command)
    return '\n'.join(_command(part) for part in command)


def _text(value: object, none: str = _UNKNOWN) -> str:
    if value is None:
        return none
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f'{value:,}'
