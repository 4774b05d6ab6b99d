from cupre_mm.utils.dataset_inspection.statistics_text import (
    anchors_text,
    instances_text,
    intensities_text,
    shapes_text,
)

SHARES = {
    'uncovered': 0.25,
    'below_0.5': 0.5,
    'below_pos_iou_thr': 0.75,
    'mean_iou': 0.4321,
}
SPREAD = {f'p{p}': 1.5 * p for p in (0, 1, 5, 25, 50, 75, 95, 99, 100)}
SPREAD['mean'] = 70.0


def ranked(scales: list, per_location: int) -> dict:
    return dict(scales=scales, per_location=per_location, **SHARES)


def test_coverage_is_told_with_the_scales_that_keep_weights_first():
    found = dict(
        anchor_sides=[8, 16],
        anchors_per_location=3,
        pos_iou_thr=0.7,
        min_pos_iou=0.3,
        all_scales=SHARES,
        by_scale={'1333x520': dict(SHARES, box_side=SPREAD)},
        recall=[
            dict(
                sides=[128, None],
                aspects=[1, 1.5],
                boxes=12,
                recall={'0.3': 1.0, '0.5': 0.5, '0.7': 0.0},
            )
        ],
        ranked_scales=[ranked([2, 3], 6), ranked([3], 3)],
        ranked_on_boxes=100,
    )
    lines = anchors_text(found)
    assert 'anchors of 8, 16 px' in lines[0]
    (scale,) = [line for line in lines if line.startswith('1333x520')]
    assert scale.split() == [
        '1333x520', '25.00%', '50.0%', '75.0%', '0.432',
        '8', '/', '75', '/', '142',
    ]  # fmt: skip
    (row,) = [line for line in lines if line.startswith('from 128')]
    assert row.split()[-4:] == ['12', '100.0%', '50.0%', '0.0%']
    places = [
        next(n for n, line in enumerate(lines) if part in line)
        for part in ('scales=[3]', 'do not load', 'scales=[2, 3]')
    ]
    assert places == sorted(places)


def test_set_without_boxes_has_no_rows_of_coverage():
    found = dict(
        anchor_sides=[8],
        anchors_per_location=3,
        pos_iou_thr=0.7,
        min_pos_iou=0.3,
        all_scales={},
        by_scale={'as stored': dict(box_side={})},
        recall=[],
    )
    assert not any('%' in line for line in anchors_text(found))


def test_what_is_left_out_and_further_image_sizes_are_told():
    found = dict(
        images=20,
        instances=0,
        images_without_instances=20,
        crowd_regions_left_out=3,
        boxes_without_extent_left_out=0,
        image_sizes={f'{n} x 9': 1 for n in range(20)},
        instances_per_image=SPREAD,
        sqrt_area={},
        box_width={},
        box_height={},
        box_aspect={},
    )
    lines = instances_text(found)
    assert 'left out: 3 crowd regions' in lines
    assert not any('extent' in line for line in lines)
    assert any(line.endswith('and 12 more') for line in lines)
    assert sum('no values' in line for line in lines) == 4


def test_unreadable_images_are_told():
    found = dict(
        images=9,
        sampled=3,
        dtypes={'uint16': 2},
        channels={'1': 2},
        by_dtype={'uint16': {'p50': dict(least=1, median=2, greatest=3)}},
        unreadable_images=1,
        unreadable=['b.tif: the file is empty'],
    )
    lines = intensities_text(found)
    assert 'intensities of 3 of 9 images: 2 uint16' in lines[0]
    assert lines[-1].strip() == 'b.tif: the file is empty'


def test_shapes_have_a_row_each():
    rows = [dict(side=5.0, aspect=2.0, **SHARES)]
    lines = shapes_text(rows, [8, 16])
    assert lines[-1].split() == ['5', '2', '25.00%', '50.0%', '75.0%', '0.432']
