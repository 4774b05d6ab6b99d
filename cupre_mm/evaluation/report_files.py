"""Writes a test report and its pictures into a folder."""

import csv
import io
from pathlib import Path

from .evaluation_details import EvaluationDetails
from .html_report import to_html
from .match_overlays import Overlay, save_overlays
from .report import APReport
from .report_plots import Plot, save_plots

# Left by an earlier run, they would pass for this run's.
_OWN_FILES = (
    'report.csv',
    'report.html',
    'plots/*.png',
    'overlays/best_*.png',
    'overlays/median_*.png',
    'overlays/worst_*.png',
)


def write_report(
    report: APReport,
    folder: str | Path,
    details: EvaluationDetails | None = None,
    image_folder: str | Path | None = None,
    pictures: bool = True,
) -> list[Path]:
    """Write a report: ``report.json``, ``.md`` and ``.csv``, and pictures.

    What an earlier run left in the folder is replaced, and removed where
    this run does not write it.

    Args:
        report (APReport): The report; why pictures were left out is added to
            its notes.
        folder (str | Path): Where to; made if it does not exist.
        details (EvaluationDetails, optional): What the evaluator kept, to
            draw the overlays from. Defaults to None.
        image_folder (str | Path, optional): Folder that file names of test
            images start from. Defaults to None.
        pictures (bool): Whether to write ``plots/``, ``overlays/`` and
            ``report.html`` too. Defaults to True.

    Returns:
        list[Path]: The files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in _OWN_FILES:
        for path in folder.glob(pattern):
            path.unlink()
    plots: list[Plot] = []
    overlays: list[Overlay] = []
    if pictures and report.details:
        plots, left_out = save_plots(
            folder / 'plots', report.details, report.images
        )
        report.notes += left_out
    if pictures and report.details and details is not None:
        overlays, left_out = save_overlays(
            folder / 'overlays',
            details,
            report.images,
            report.details['score_thr'],
            image_folder,
        )
        report.notes += left_out
    texts = {
        'report.json': report.to_json(),
        'report.md': report.to_markdown(_pictures(folder, plots, overlays)),
    }
    if report.images:
        texts['report.csv'] = images_csv(report)
    if pictures:
        texts['report.html'] = to_html(report, plots, overlays)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding='utf-8', newline='')
    return [
        *(folder / name for name in texts),
        *(one.path for one in (*plots, *overlays)),
    ]


def images_csv(report: APReport) -> str:
    """Lay out a report's rows of images as CSV.

    Args:
        report (APReport): The report.

    Returns:
        str: A header and a line an image; values that are not defined are
        left empty.
    """
    columns = list(dict.fromkeys(key for row in report.images for key in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator='\n')
    writer.writeheader()
    writer.writerows(report.images)
    return stream.getvalue()


def _pictures(folder: Path, plots: list[Plot], overlays: list[Overlay]) -> str:
    """The pictures as a part of a Markdown document."""
    parts = []
    if plots:
        parts.append('## Plots')
    for plot in plots:
        target = plot.path.relative_to(folder).as_posix()
        parts.append(f'![{plot.title}]({target})\n\n{plot.caption}')
    if overlays:
        parts.append('## Best, median and worst images')
    for overlay in overlays:
        target = overlay.path.relative_to(folder).as_posix()
        parts.append(f'![{overlay.rank}]({target})\n\n{overlay.caption}')
    return '\n\n'.join(parts)
