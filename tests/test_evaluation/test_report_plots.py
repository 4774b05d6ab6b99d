import cv2
import pytest

from cupre_mm.evaluation.report_details import collect_details
from cupre_mm.evaluation.report_plots import save_plots
from tests.scored_cells import score_cells, write_cells

NAMES = [
    'precision_recall',
    'ap_by_iou',
    'recall_by_size',
    'calibration',
    'counts',
]


def plot(found, folder) -> tuple[list[str], list[str]]:
    plots, left_out = save_plots(folder, found.curves, found.images)
    for one in plots:
        picture = cv2.imread(str(one.path))
        # Drawn on: more than the two colours of empty axes.
        assert min(picture.shape[:2]) > 300
        assert len({*map(tuple, picture[::3, ::3].reshape(-1, 3))}) > 5
        assert len(one.caption) > 60
    return [one.path.stem for one in plots], left_out


def test_all_plots_of_a_whole_evaluation(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path))
    found = collect_details(metric.details)
    assert plot(found, tmp_path / 'plots') == (NAMES, [])


def test_boxes_alone_have_all_plots_too(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path), metric='bbox')
    found = collect_details(metric.details)
    assert plot(found, tmp_path / 'plots') == (NAMES, [])


def test_captions_give_the_figures(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path))
    found = collect_details(metric.details)
    plots, _ = save_plots(tmp_path / 'plots', found.curves, found.images)
    captions = {one.path.stem: one.caption for one in plots}
    ece = found.curves['calibration']['ece']
    assert f'calibration error {ece:.3f}' in captions['calibration']
    # 2 of 2, 2 of 2 and 1 of 3 cells.
    assert 'Mean absolute error 0.7 cells an image' in captions['counts']
    assert '5 detections for 7 cells' in captions['counts']


def test_without_detections_the_calibration_is_left_out_and_named(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path), {})
    names, left_out = plot(collect_details(metric.details), tmp_path / 'plots')
    assert 'calibration' not in names
    assert 'counts' in names
    assert 'No plot "Calibration of the scores": no detections.' in left_out


@pytest.mark.parametrize('truth', [{'a.png': []}])
def test_without_ground_truth_ap_and_recall_are_left_out(tmp_path, truth):
    found = {'a.png': [((4, 4, 9, 9), 0.9)]}
    metric, _ = score_cells(write_cells(tmp_path, truth), found)
    names, left_out = plot(collect_details(metric.details), tmp_path / 'plots')
    assert names == ['calibration', 'counts']
    assert len(left_out) == 3
    assert all('no instance in the ground truth' in why for why in left_out)


def test_dense_images_are_plotted_too(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path))
    found = collect_details(metric.details)
    found.images[0].update(cells=3000, detections=2800)
    assert plot(found, tmp_path / 'plots')[1] == []
