"""Loss curves of training runs, read from mmengine's logs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.figure_files import save_figure

matplotlib.use('Agg')
from matplotlib import pyplot as plt


def read_scalars(work_dir: str | Path) -> list[dict[str, float]]:
    """Read what the last run in a work dir logged.

    Args:
        work_dir (str | Path): Work dir of ``tools/train.py``.

    Returns:
        list[dict[str, float]]: One record a log line, with 'step'.

    Raises:
        MissingDataError: If no run was logged there.
    """
    logs = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    if not logs:
        raise MissingDataError(
            f'{work_dir} has no */vis_data/scalars.json: train there first.'
        )
    lines = logs[-1].read_text().splitlines()
    return [json.loads(line) for line in lines if line]


def save_loss_curves(
    path: str | Path,
    runs: Mapping[str, str | Path],
    scalars: Sequence[str] = ('loss', 'moco/loss', 'det/loss'),
) -> Path:
    """Plot losses over iterations, one panel a run.

    Args:
        path (str | Path): Picture file to write.
        runs (Mapping[str, str | Path]): Work dirs by panel title.
        scalars (Sequence[str]): Logged values to plot, where a run has
            them. Defaults to the total and the tasks' losses.

    Returns:
        Path: The file.

    Raises:
        MissingDataError: If a run has no log.
    """
    figure, axes = plt.subplots(
        1,
        len(runs),
        figsize=(3.2 * len(runs), 2.8),
        squeeze=False,
        layout='constrained',
    )
    for axis, (title, work_dir) in zip(axes[0], runs.items()):
        records = read_scalars(work_dir)
        for name in scalars:
            points = [(r['step'], r[name]) for r in records if name in r]
            if points:
                # The markers show a run of a single log line too.
                axis.plot(
                    *zip(*points),
                    label=name,
                    linewidth=1.2,
                    marker='.',
                    markersize=3,
                )
        axis.set_title(title, fontsize=9)
        axis.set_xlabel('iteration')
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=7)
    axes[0][0].set_ylabel('loss')
    save_figure(figure, path, dpi=110)
    plt.close(figure)
    return Path(path)
