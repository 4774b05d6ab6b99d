"""Generated test sets: sizes, masks and predictions."""

import json

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from cupre_mm.utils.evaluation_benchmark.dense_cells import (
    HEIGHT,
    WIDTH,
    DenseSet,
    boxes_of,
    ellipse_rles,
    write_ground_truth,
)


def test_counts_of_the_whole_size_are_those_of_livecell():
    counts = DenseSet().counts()
    assert len(counts) == 1_512
    assert counts.sum() == 460_000
    assert counts.max() == 3_000
    assert (counts == 3_000).sum() == 1
    assert counts.min() >= 1


@pytest.mark.parametrize(
    ('num_images', 'num_instances', 'most'),
    [(1, 5, 3000), (3, 9, 3), (40, 700, 100), (2, 2, 3000)],
)
def test_counts_of_other_sizes_keep_sum_and_bounds(
    num_images, num_instances, most
):
    counts = DenseSet(num_images, num_instances, most).counts()
    assert len(counts) == num_images
    assert counts.sum() == num_instances
    assert counts.min() >= 1
    assert counts.max() <= most


def test_more_cells_than_the_images_hold_are_refused():
    with pytest.raises(ValueError, match='do not fit'):
        DenseSet(2, 7, most=3).counts()


@pytest.mark.parametrize('count', [1, 37, 3000])
def test_cells_of_an_image_lie_in_it_and_do_not_overlap(count):
    cells = DenseSet().cells(0, count)
    rles = ellipse_rles(cells)
    assert len(rles) == count
    assert len(np.unique(cells[:, :2], axis=0)) == count
    merged = mask_utils.merge(rles)
    areas = [int(mask_utils.area(rle)) for rle in rles]
    assert int(mask_utils.area(merged)) == sum(areas)
    assert min(areas) >= 15


def test_masks_are_the_pixels_inside_the_ellipse():
    cells = np.array(
        [
            [100.3, 200.7, 9.2, 5.1],
            [1.0, 2.0, 6.0, 7.5],
            [WIDTH - 1, HEIGHT - 1, 8.0, 4.0],
            [300.0, HEIGHT - 3.5, 3.0, 20.0],
        ]
    )
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for rle, (x, y, a, b) in zip(ellipse_rles(cells), cells):
        inside = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1
        np.testing.assert_array_equal(mask_utils.decode(rle), inside)


def test_an_ellipse_between_pixels_becomes_the_nearest_pixel():
    (rle,) = ellipse_rles(np.array([[10.4, 20.4, 0.2, 0.2]]))
    mask = mask_utils.decode(rle)
    assert np.argwhere(mask).tolist() == [[20, 10]]
    assert ellipse_rles(np.zeros((0, 4))) == []


def test_boxes_enclose_the_masks():
    boxes = boxes_of(ellipse_rles(np.array([[100.0, 200.0, 5.0, 3.0]])))
    assert boxes.tolist() == [[95, 197, 106, 204]]
    assert boxes.dtype == np.float32


def test_predictions_are_as_many_and_some_good_and_some_false():
    generated = DenseSet()
    cells = generated.cells(3, 500)
    found, scores = generated.predictions(3, cells)
    assert found.shape == cells.shape
    assert ((scores > 0) & (scores <= 1)).all()
    ious = mask_utils.iou(
        ellipse_rles(found), ellipse_rles(cells), [0] * len(cells)
    ).max(axis=1)
    assert 0.7 < (ious > 0.5).mean() < 0.9
    assert (ious > 0.9).any()
    assert np.corrcoef(ious, scores)[0, 1] > 0.4


def test_the_same_seed_gives_the_same_and_another_seed_other_cells():
    first, again, other = DenseSet(), DenseSet(), DenseSet(seed=1)
    cells = first.cells(5, 40)
    np.testing.assert_array_equal(cells, again.cells(5, 40))
    for one, two in zip(
        first.predictions(5, cells), again.predictions(5, cells)
    ):
        np.testing.assert_array_equal(one, two)
    assert (cells != other.cells(5, 40)).any()
    assert (first.counts() != other.counts()).any()


def test_the_ground_truth_holds_the_cells_as_polygons(tmp_path):
    generated = DenseSet(4, 60)
    path = tmp_path / 'truth.json'
    assert write_ground_truth(path, generated) == 60
    content = json.loads(path.read_text())
    assert [image['id'] for image in content['images']] == [1, 2, 3, 4]
    annotations = content['annotations']
    assert [ann['id'] for ann in annotations] == list(range(1, 61))
    per_image = np.bincount([ann['image_id'] for ann in annotations])[1:]
    assert per_image.tolist() == generated.counts().tolist()
    drawn = [ann for ann in annotations if ann['image_id'] == 2]
    masks = ellipse_rles(generated.cells(1, len(drawn)))
    for ann, mask in zip(drawn, masks):
        polygon = mask_utils.merge(
            mask_utils.frPyObjects(ann['segmentation'], HEIGHT, WIDTH)
        )
        assert mask_utils.iou([polygon], [mask], [0])[0, 0] > 0.93
        area = float(mask_utils.area(mask))
        assert ann['area'] == pytest.approx(area, rel=0.06)


def test_a_part_of_the_images_is_written_as_in_the_whole_file(tmp_path):
    generated = DenseSet(4, 60)
    whole, part = tmp_path / 'whole.json', tmp_path / 'part.json'
    write_ground_truth(whole, generated)
    write_ground_truth(part, generated, [2, 0])
    whole, part = (json.loads(path.read_text()) for path in (whole, part))
    assert [image['id'] for image in part['images']] == [3, 1]

    def outlines(content, image_id):
        return [
            ann['segmentation']
            for ann in content['annotations']
            if ann['image_id'] == image_id
        ]

    for image_id in (1, 3):
        assert outlines(part, image_id) == outlines(whole, image_id)
