"""The picture of paired differences."""

import pytest
from matplotlib import pyplot as plt
from PIL import Image

from cupre_mm.evaluation.comparison_plot import save_comparison_plot
from cupre_mm.evaluation.paired_bootstrap import Bootstrap
from cupre_mm.evaluation.report_comparison import compare_reports
from cupre_mm.evaluation.saved_reports import read_reports
from tests.report_files import write_report


def _comparison(tmp_path, *accuracies):
    paths = [
        write_report(tmp_path / f'model{i}', values)
        for i, values in enumerate(accuracies)
    ]
    return compare_reports(read_reports(paths), bootstrap=Bootstrap(200))


def test_dots_means_and_intervals_are_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(plt, 'close', lambda figure: None)
    base, better = [0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.5, 0.4]
    comparison = _comparison(tmp_path, base, better, base)
    path = save_comparison_plot(tmp_path / 'new' / 'plot.png', comparison)
    monkeypatch.undo()
    with Image.open(path) as image:
        assert image.width > 1000
    figure = plt.gcf()
    axis = figure.axes[0]
    assert len(figure.axes) == 3
    assert axis.get_title() == 'mean accuracy'
    first, second = (
        dots.get_offsets()[:, 0] for dots in axis.collections[:3:2]
    )
    assert first.tolist() == pytest.approx([10, -10, 20, 0])
    assert second.tolist() == pytest.approx([0, 0, 0, 0])
    labels = [tick.get_text() for tick in axis.get_yticklabels()]
    assert labels == ['model1', 'model2']
    estimate = comparison.paired[0].estimate
    ends = axis.containers[0].lines[2][0].get_segments()[0][:, 0]
    assert ends.tolist() == pytest.approx(
        [100 * estimate.low, 100 * estimate.high]
    )
    assert 'not of the training seed' in figure.get_supxlabel()
    plt.close(figure)


def test_one_image_and_no_defined_image_are_drawn_without_interval(tmp_path):
    comparison = _comparison(tmp_path, [0.1], [0.2], [None])
    path = save_comparison_plot(tmp_path / 'plot.png', comparison)
    assert path.stat().st_size > 1000
