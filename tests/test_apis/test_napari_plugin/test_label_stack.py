import numpy as np

from cupre_mm.apis.napari_plugin.label_stack import empty_stack
from cupre_mm.apis.napari_plugin.layer_planes import LayerPlanes
from cupre_mm.utils.cropped_masks import CroppedMask
from tests.segmented_cells import odd_cells, segmentation_of


def planes_of(*shape: int, **options: object) -> LayerPlanes:
    return LayerPlanes(np.zeros(shape, np.uint8), **options)


def test_labels_of_an_image_are_those_of_the_segmentation():
    cells = odd_cells()
    planes = planes_of(*cells.shape)
    stack = empty_stack(planes).updated(planes, {(): cells})
    expected = cells.label_image()
    assert stack.data.dtype == expected.dtype
    assert (stack.data == expected).all()
    table = stack.features
    assert set(table) == {'index', 'score', 'area', 'class'}
    assert table['index'].tolist() == list(range(1, len(cells) + 1))
    assert table['area'].tolist() == np.bincount(expected.flat)[1:].tolist()
    assert (table['score'] == cells.scores).all()
    assert set(table['class']) == {'cell'}


def test_no_value_stands_for_cells_of_two_slices():
    cells = odd_cells()
    planes = planes_of(3, *cells.shape)
    results = dict.fromkeys(planes.positions(), cells)
    stack = empty_stack(planes).updated(planes, results)
    values = [set(np.unique(part)) - {0} for part in stack.data]
    assert [len(one) for one in values] == [len(cells)] * 3
    assert not values[0] & values[1] | values[1] & values[2]
    assert ((stack.data[2] > 0) == (cells.label_image() > 0)).all()
    table = stack.features
    for index, axis, area in zip(
        table['index'], table['axis_0'], table['area']
    ):
        assert (stack.data[axis] == index).sum() == area


def test_one_slice_anew_leaves_the_others_as_they_were():
    cells = odd_cells()
    planes = planes_of(3, *cells.shape)
    before = empty_stack(planes).updated(
        planes, dict.fromkeys(planes.positions(), cells)
    )
    few = segmentation_of(cells.masks[:2], cells.shape)
    after = before.updated(planes, {(1,): few})
    assert (after.data[[0, 2]] == before.data[[0, 2]]).all()
    assert len(np.unique(after.data[1])) == 3
    table = after.features
    assert np.bincount(table['axis_0']).tolist() == [
        len(cells),
        2,
        len(cells),
    ]
    assert len(set(table['index'])) == len(table['index'])
    assert set(table['index']) == set(np.unique(after.data)) - {0}


def test_image_anew_begins_with_one():
    cells = odd_cells()
    planes = planes_of(*cells.shape)
    before = empty_stack(planes).updated(planes, {(): cells})
    again = before.updated(planes, {(): cells})
    assert (again.data == before.data).all()
    assert again.features['index'].tolist() == list(range(1, len(cells) + 1))


def test_channel_axis_has_one_position_of_labels():
    cells = odd_cells()
    height, width = cells.shape
    planes = planes_of(height, 2, width, channel_axis=1)
    stack = empty_stack(planes).updated(planes, {(): cells})
    assert stack.data.shape == (height, 1, width)
    assert (stack.data[:, 0] == cells.label_image()).all()


def test_value_above_uint16_needs_uint32():
    pixel = np.ones((1, 1), bool)
    masks = [CroppedMask(i // 300, i % 300, pixel) for i in range(40_000)]
    cells = segmentation_of(masks, (200, 300))
    planes = planes_of(2, 200, 300)
    stack = empty_stack(planes).updated(planes, {(0,): cells, (1,): cells})
    assert stack.data.dtype == np.uint32
    assert stack.data.max() == len(stack.features['index']) == 80_000


def test_image_without_cells_has_an_empty_table():
    planes = planes_of(6, 8)
    stack = empty_stack(planes).updated(
        planes, {(): segmentation_of([], (6, 8))}
    )
    assert not stack.data.any()
    assert {len(column) for column in stack.features.values()} == {0}


def test_class_without_a_name_is_told_by_its_number():
    cells = odd_cells(classes=())
    planes = planes_of(*cells.shape)
    stack = empty_stack(planes).updated(planes, {(): cells})
    assert stack.features['class'].tolist() == ['0'] * len(cells)
