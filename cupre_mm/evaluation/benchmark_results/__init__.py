"""Results of a benchmark's grid: tables, intervals and plots."""

from pathlib import Path

from ..paired_bootstrap import Bootstrap
from .gains import DEFAULT
from .predictions_picture import save_predictions
from .results import Results, collect
from .results_files import write_tables
from .results_plots import save_plots

__all__ = ['Results', 'collect', 'write_results']


def write_results(
    work_dir: Path,
    truth: Path | None = None,
    *,
    quick: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> list[Path]:
    """Write what is known of a benchmark, finished or not.

    Args:
        work_dir (Path): Work dir of ``tools/benchmark.py``.
        truth (Path, optional): Annotation file of the test part. Defaults
            to None: the one that each cell names.
        quick (bool): Whether to leave out intervals and plots, which take
            seconds for each cell. Defaults to False.
        bootstrap (Bootstrap): How to compute intervals. Defaults to 2,000
            resamples.

    Returns:
        list[Path]: ``results.json``, ``results.csv``, ``results.md`` and
        the pictures in ``plots/``.

    Raises:
        MissingDataError: If there is no ``benchmark.json``.
        BadDataError: If it is none of a benchmark.
    """
    results = collect(work_dir, truth, None if quick else bootstrap)
    plots = []
    if not quick:
        folder = work_dir / 'plots'
        plots += save_plots(folder, results)
        plots += save_predictions(folder, results, truth)
    written = write_tables(work_dir, results, plots)
    return [*written, *(plot.path for plot in plots)]
