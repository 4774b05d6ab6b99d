import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib import pyplot as plt

from cupre_mm.evaluation.loss_curves import read_scalars, save_loss_curves
from cupre_mm.utils.errors import MissingDataError


def write_log(work_dir: Path, run: str, records: list[dict]) -> None:
    folder = work_dir / run / 'vis_data'
    folder.mkdir(parents=True)
    text = ''.join(json.dumps(record) + '\n' for record in records)
    (folder / 'scalars.json').write_text(text)


@pytest.fixture
def runs(tmp_path) -> dict[str, Path]:
    pair = [
        {'loss': 9.0 - i, 'moco/loss': 6.0, 'det/loss': 3.0 - i, 'step': i}
        for i in range(3)
    ]
    write_log(tmp_path / 'pair', '20260101_000000', pair)
    write_log(tmp_path / 'det', '20260101_000000', [{'loss': 2, 'step': 10}])
    return {'AMT2': tmp_path / 'pair', 'fine-tuning': tmp_path / 'det'}


@pytest.fixture
def axes(monkeypatch) -> list:
    """Axes of figures that are drawn, kept after they are closed."""
    kept = []
    monkeypatch.setattr(plt, 'close', lambda figure: kept.extend(figure.axes))
    yield kept
    monkeypatch.undo()
    plt.close('all')


def test_the_last_run_of_a_work_dir_is_read(tmp_path):
    write_log(tmp_path, '20260101_000000', [{'loss': 1.0, 'step': 1}])
    write_log(tmp_path, '20260102_000000', [{'loss': 2.0, 'step': 5}])
    assert read_scalars(tmp_path) == [{'loss': 2.0, 'step': 5}]


def test_work_dir_without_a_log_is_said(tmp_path):
    with pytest.raises(MissingDataError, match=r'scalars\.json') as error:
        save_loss_curves(tmp_path / 'x.png', {'run': tmp_path / 'none'})
    assert str(tmp_path / 'none') in str(error.value)
    assert not (tmp_path / 'x.png').exists()


def test_each_run_has_a_panel_with_the_losses_it_logged(runs, axes, tmp_path):
    save_loss_curves(tmp_path / 'losses.png', runs)
    assert [axis.get_title() for axis in axes] == list(runs)
    lines = [
        {line.get_label(): line.get_xydata() for line in axis.lines}
        for axis in axes
    ]
    assert [list(panel) for panel in lines] == [
        ['loss', 'moco/loss', 'det/loss'],
        ['loss'],
    ]
    np.testing.assert_array_equal(lines[0]['loss'], [[0, 9], [1, 8], [2, 7]])
    # A line of one point shows by its marker alone.
    assert axes[1].lines[0].get_marker() != 'None'
    assert axes[0].get_ylim()[0] == 0


def test_picture_is_written_and_shows_the_lines(runs, tmp_path):
    path = save_loss_curves(tmp_path / 'losses.png', runs)
    image = cv2.imread(str(path))
    spread = image.max(axis=2).astype(int) - image.min(axis=2)
    assert (spread > 80).sum() > 100
