"""A test report as one HTML page, to open anywhere and to send."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from .match_overlays import LEGEND, Overlay
from .report import INTRODUCTION, APReport
from .report_plots import Plot
from .report_tables import Table

# Nothing but what the page holds can be loaded, whoever writes a file name.
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
_STYLE = """
:root { color-scheme: light dark; --text: #1d2129; --dim: #59626f;
  --page: #fff; --card: #f5f6f8; --line: #d5d9e0; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8ec;
  --dim: #a3acb9; --page: #16181d; --card: #21252c; --line: #3b424d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; color: var(--text);
  background: var(--page); font: 16px/1.5 system-ui, -apple-system,
  "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.dim, figcaption { color: var(--dim); font-size: .92rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; margin: .5rem 0;
  font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--dim); font-weight: 600; }
tbody th { color: var(--text); white-space: normal; }
th:first-child, td.text { text-align: left; }
td.text { white-space: normal; min-width: 16rem; }
thead th.text, thead th.long { text-align: left; }
td.long { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.grid { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; padding: .8rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
figure img { display: block; width: 100%; height: auto; background: #fff;
  border-radius: 4px; }
figcaption { margin-top: .5rem; overflow-wrap: anywhere; }
figcaption b { color: var(--text); }
.note { border-left: 4px solid #d55e00; padding: .3rem .8rem;
  background: var(--card); overflow-wrap: anywhere; }
.keys span { white-space: nowrap; }
.key { display: inline-block; width: .9rem; height: .9rem;
  border-radius: 2px; margin: 0 .35rem 0 .6rem; vertical-align: -.1rem;
  border: 1px solid var(--dim); }
@media (max-width: 40rem) {
  th, td { padding: .35rem .45rem; }
  table.text { width: 100%; }
  table.text tr { display: grid; border-bottom: 1px solid var(--line);
    grid-template-columns: 1.8fr repeat(var(--numbers), 1fr); }
  table.text :is(th, td) { border: 0; }
  table.text td.text { grid-column: 1 / -1; padding-top: 0;
    color: var(--dim); }
  table.text thead th.text { display: none; }
}
summary { cursor: pointer; font-size: 1.2rem; font-weight: 600;
  margin: 2rem 0 .5rem; }
"""


def to_html(
    report: APReport, plots: Sequence[Plot], overlays: Sequence[Overlay]
) -> str:
    """Write a report as a page that needs no other file and no network.

    Args:
        report (APReport): The report.
        plots (Sequence[Plot]): Plots to show.
        overlays (Sequence[Overlay]): Overlays to show.

    Returns:
        str: The page; all text of the report is escaped.
    """
    name = Path(report.config).stem
    parts = [
        f'<h1>Test report: {escape(name)}</h1>',
        _paragraph(
            f'{report.checkpoint} on {report.dataset or "its test set"}',
            'dim',
        ),
        *(_paragraph(note, 'note') for note in report.notes),
        '<h2>Average precision</h2>',
        _paragraph(INTRODUCTION, 'dim'),
    ]
    ap_rows = report.ap_rows()
    if len(ap_rows) > 1:
        parts.append(_table(ap_rows))
    else:
        parts.append(_paragraph('The evaluator gave no AP of boxes or masks.'))
        other = [[k, f'{v:.6g}'] for k, v in report.metrics.items()]
        parts.append(_table([['metric', 'value'], *other]))
    if report.counts:
        parts.append(_table([['count', 'number'], *report.count_rows()]))
    tables = report.tables()
    parts += [_section(table) for table in tables if not table.folded]
    if plots:
        parts.append('<h2>Plots</h2>')
        parts.append(_grid(_plot(plot) for plot in plots))
    if overlays:
        parts += _overlay_part(overlays, report)
    parts += [_section(table) for table in tables if table.folded]
    if report.images:
        parts.append(_section(_image_table(report)))
    parts += ['<h2>Origin</h2>', _table(report.origin_rows(), 'long')]
    parts += ['<h2>Versions</h2>', _table(report.version_rows(), 'long')]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, '
        'initial-scale=1">\n'
        f'<title>Test report: {escape(name)}</title>\n'
        f'<style>{_STYLE}</style>\n</head>\n<body>\n'
        + '\n'.join(parts)
        + '\n</body>\n</html>\n'
    )


def _overlay_part(overlays: Sequence[Overlay], report: APReport) -> list[str]:
    keys = ''.join(
        '<span><span class="key" style="background:rgb'
        f'{color}"></span>{escape(name)}</span> '
        for name, color in LEGEND
    )
    score = overlays[0].score_name
    thr = report.details['score_thr']
    return [
        '<h2>Best, median and worst images</h2>',
        _paragraph(
            f'Ranked by {score}. Detections with scores of {thr:g} or more; '
            'one is right if its IoU with a cell of its own is at least 0.5.',
            'dim',
        ),
        f'<p class="keys">Outlines: {keys}</p>',
        _grid(
            _figure(one.path, one.rank.capitalize(), one.caption)
            for one in overlays
        ),
    ]


def _image_table(report: APReport) -> Table:
    shown = {
        'file_name': 'image',
        'stratum': 'stratum',
        'cells': 'cells',
        'detections': 'detections',
        'matched': 'matched',
        'matched_f1': 'F1',
        'mean_accuracy': 'mean accuracy',
        'pq': 'PQ',
        'aji': 'AJI',
    }
    used = {
        key: label
        for key, label in shown.items()
        if any(row.get(key) is not None for row in report.images)
    }
    rows = [list(used.values())]
    for row in report.images:
        rows.append([_value(row.get(key)) for key in used])
    return Table(
        f'All {len(report.images):,} images',
        rows,
        'Scores from 0 to 1; report.csv has all columns.',
        folded=True,
    )


def _value(value: object) -> str:
    if value is None:
        return 'n/a'
    return f'{value:.3f}' if isinstance(value, float) else str(value)


def _section(table: Table) -> str:
    note = _paragraph(table.note, 'dim') if table.note else ''
    # A last column of sentences needs room of its own.
    wide = max(len(row[-1]) for row in table.rows) > 40
    body = note + _table(table.rows, 'text' if wide else '')
    if table.folded:
        title = escape(table.title)
        return f'<details><summary>{title}</summary>{body}</details>'
    return f'<h2>{escape(table.title)}</h2>{body}'


def _table(rows: Sequence[Sequence[str]], last: str = '') -> str:
    """Draw rows, the header first; ``last`` is the last column's class."""
    kind = f' class="{last}"' if last else ''
    heads = [f'<th scope="col">{escape(cell)}</th>' for cell in rows[0][:-1]]
    heads.append(f'<th scope="col"{kind}>{escape(rows[0][-1])}</th>')
    lines = []
    for row in rows[1:]:
        cells = [f'<th scope="row">{escape(row[0])}</th>']
        cells += [f'<td>{escape(cell)}</td>' for cell in row[1:-1]]
        cells.append(f'<td{kind}>{escape(row[-1])}</td>')
        lines.append(f'<tr>{"".join(cells)}</tr>')
    numbers = f' style="--numbers:{len(rows[0]) - 2}"' if last else ''
    return (
        f'<div class="scroll"><table{kind}{numbers}><thead><tr>'
        f'{"".join(heads)}</tr></thead>'
        f'<tbody>{"".join(lines)}</tbody></table></div>'
    )


def _plot(plot: Plot) -> str:
    return _figure(plot.path, plot.title, plot.caption)


def _figure(path: Path, title: str, caption: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<figure><img src="data:image/png;base64,{data}" '
        f'alt="{escape(title)}"><figcaption><b>{escape(title)}.</b> '
        f'{escape(caption)}</figcaption></figure>'
    )


def _grid(figures: Sequence[str]) -> str:
    return f'<div class="grid">{"".join(figures)}</div>'


def _paragraph(text: str, kind: str = '') -> str:
    attribute = f' class="{kind}"' if kind else ''
    return f'<p{attribute}>{escape(text)}</p>'
