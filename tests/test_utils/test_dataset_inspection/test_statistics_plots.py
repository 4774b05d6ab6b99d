import cv2
import numpy as np
import pytest

from cupre_mm.utils.dataset_inspection.statistics_plots import (
    plot_anchors,
    plot_images,
    plot_instances,
)


def found(sides: list[float]) -> dict:
    return dict(
        anchor_sides=sides,
        min_pos_iou=0.3,
        pos_iou_thr=0.7,
        all_scales=dict(uncovered=0.1),
        recall=[],
    )


def is_red(path) -> np.ndarray:
    """Where a plot has the colour of anchors, left third, axes included."""
    picture = cv2.imread(str(path)).astype(int)
    left = picture[:, : picture.shape[1] // 3]
    return (left[..., 2] - left[..., :2].max(2) > 40).any(0)


def test_every_anchor_is_a_line_among_the_sizes(tmp_path):
    sides = np.geomspace(4, 300, 500)
    ious = np.linspace(0, 1, 500)
    lines = []
    for number, anchors in enumerate(([], [16, 64], [8, 32, 128])):
        path = plot_anchors(
            tmp_path / f'{number}.png', sides, ious, found(anchors), 'x'
        )
        starts = np.diff(is_red(path).astype(int)) == 1
        lines.append(int(starts.sum()))
    assert lines == [0, 2, 3]


@pytest.mark.parametrize('strata', [None, np.array(['a', 'b'] * 3)])
def test_instances_are_plotted_with_and_without_strata(tmp_path, strata):
    path = plot_instances(
        tmp_path / 'x' / 'instances.png',
        np.array([1, 2, 3, 0, 0, 1]),
        np.linspace(3, 90, 7),
        np.array([0, 1, 1, 2, 2, 2, 5]),
        strata,
        'title',
    )
    picture = cv2.imread(str(path))
    orange = (np.abs(picture.astype(int) - (14, 127, 255)).max(2) < 20).any()
    assert orange == (strata is not None)


def test_no_readable_image_is_plotted_as_nothing(tmp_path):
    seen = dict(images=3, sampled=3, dtypes={}, images_by_file=[])
    assert plot_images(tmp_path / 'none.png', seen, 'x').is_file()
