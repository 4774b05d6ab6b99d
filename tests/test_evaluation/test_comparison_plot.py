"""The picture of paired differences."""

import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from PIL import Image

from cupre_mm.evaluation.comparison_plot import save_comparison_plot
from cupre_mm.evaluation.paired_bootstrap import Bootstrap
from cupre_mm.evaluation.report_comparison import compare_reports
from cupre_mm.evaluation.saved_reports import read_reports
from tests.report_files import image_rows, write_report


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


def test_colours_follow_what_is_better_for_each_measure(tmp_path, monkeypatch):
    monkeypatch.setattr(plt, 'close', lambda figure: None)
    rows = image_rows([0.2, 0.1, 0.3, 0.4])
    for row, error in zip(rows, (0, -1, 3, 1)):
        row['count_error'] = error
    first = write_report(tmp_path / 'a')
    second = write_report(tmp_path / 'b', images=rows)
    comparison = compare_reports(
        read_reports([first, second]), bootstrap=Bootstrap(200)
    )
    save_comparison_plot(tmp_path / 'plot.png', comparison)
    monkeypatch.undo()
    figure = plt.gcf()
    accuracy, _, count = (
        [to_hex(colour) for colour in axis.collections[0].get_facecolors()]
        for axis in figure.axes
    )
    better, worse, equal = '#0072b2', '#d55e00', '#999999'
    assert accuracy == [better, worse, equal, equal]
    # The sizes of the errors went from 2, 1, 0, 1 to 0, 1, 3, 1.
    assert count == [better, equal, worse, equal]
    directions = [axis.get_xlabel() for axis in figure.axes]
    assert 'better to the right' in directions[0]
    assert 'better to the left' in directions[2]
    plt.close(figure)
