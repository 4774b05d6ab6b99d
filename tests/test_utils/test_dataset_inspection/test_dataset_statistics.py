from pathlib import Path

import numpy as np
import pytest

from cupre_mm.utils.dataset_inspection.anchor_coverage import stock_grid
from cupre_mm.utils.dataset_inspection.dataset_statistics import (
    SeenBoxes,
    describe_anchors,
    describe_instances,
    recall_table,
    spread,
    strata_of,
)
from cupre_mm.utils.dataset_inspection.light_coco import CocoBoxes
from cupre_mm.utils.dataset_inspection.pipeline_scale import Scaling


@pytest.fixture
def boxes() -> CocoBoxes:
    """Two images of 32 px squares, one of which is half as large, one bare."""
    images = [
        dict(id=n, file_name=f'{n}.png', height=100, width=200, kind=kind)
        for n, kind in enumerate(('x', 'y', 'x'))
    ]
    corners = np.array([[0, 0], [40, 40], [32, 64]], float)
    sides = np.array([[32, 32], [32, 32], [16, 16]], float)
    return CocoBoxes(
        path=Path('ann.json'),
        images=images,
        image_of=np.array([0, 0, 1]),
        boxes=np.hstack([corners, sides]),
        areas=np.array([1000.0, 1000.0, 200.0]),
        crowds=2,
        degenerate=1,
    )


def factors(value: float) -> Scaling:
    return Scaling(f'x{value}', np.full((3, 2), value))


def test_counts_and_sizes_are_told(boxes):
    found = describe_instances(boxes, None)
    assert found['images'] == 3
    assert found['instances'] == 3
    assert found['images_without_instances'] == 1
    assert found['crowd_regions_left_out'] == 2
    assert found['boxes_without_extent_left_out'] == 1
    assert found['instances_per_image']['p100'] == 2
    assert found['box_width']['p50'] == 32
    assert found['sqrt_area']['p100'] == pytest.approx(1000**0.5)
    assert found['image_sizes'] == {'100 x 200': 3}
    assert 'by_stratum' not in found


def test_strata_are_told_apart(boxes):
    strata = strata_of(boxes.images, 'kind')
    found = describe_instances(boxes, strata)['by_stratum']
    assert {name: part['instances'] for name, part in found.items()} == {
        'x': 2,
        'y': 1,
    }
    assert found['x']['images'] == 2


def test_cell_types_are_read_from_names_of_livecell_alone(boxes):
    assert strata_of(boxes.images, 'cell_type') is None
    images = [
        dict(file_name='BV2_Phase_A4_1_00d00h00m_1.tif'),
        dict(file_name='other.tif'),
        dict(file_name='x.tif', cell_type='Huh7'),
    ]
    found = strata_of(images, 'cell_type')
    assert found.tolist() == ['BV2', '(none)', 'Huh7']


def test_boxes_and_images_are_resized_alike(boxes):
    seen = SeenBoxes(boxes, factors(0.5))
    assert seen.sides.tolist() == [16, 16, 8]
    assert seen.boxes[1].tolist() == [20, 20, 16, 16]
    assert seen.image_sizes.tolist() == [[50, 100]] * 3


def test_uncovered_share_is_told_by_scale_and_stratum(boxes):
    found, sides, ious = describe_anchors(
        boxes,
        [factors(1.0), factors(0.5)],
        stock_grid(),
        strata_of(boxes.images, 'kind'),
    )
    # Of 32 px all, of 16 px and less none reach IoU 0.3 with 32 px anchors.
    assert found['by_scale']['x1.0']['uncovered'] == pytest.approx(1 / 3)
    assert found['by_scale']['x0.5']['uncovered'] == 1
    assert found['all_scales']['uncovered'] == pytest.approx(4 / 6)
    assert found['by_stratum']['y']['uncovered'] == 1
    assert len(sides) == len(ious) == 6
    best = found['ranked_scales'][0]
    assert best['uncovered'] < found['all_scales']['uncovered']
    assert found['ranked_on_boxes'] == 6


def test_recall_is_told_by_size_and_aspect():
    rows = recall_table(
        ious=np.array([0.2, 0.4, 0.6, 0.8]),
        sides=np.array([7.9, 8.0, 8.0, 500.0]),
        aspects=np.array([1.0, 1.0, 1.2, 6.0]),
    )
    assert [(r['sides'], r['aspects'], r['boxes']) for r in rows] == [
        ([0, 8], [1, 1.5], 1),
        ([8, 12], [1, 1.5], 2),
        ([128, None], [4.0, None], 1),
    ]
    assert rows[1]['recall'] == {'0.3': 1.0, '0.5': 0.5, '0.7': 0.0}


def test_no_values_have_no_spread():
    assert spread(np.zeros(0)) == {}
    assert spread(np.arange(101))['p95'] == 95
