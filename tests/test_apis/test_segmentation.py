import numpy as np
import pytest

from cupre_mm.apis import Segmentation
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.errors import BadDataError


def segmentation(number: int, shape=(300, 300), **counts) -> Segmentation:
    """Cells of one pixel each."""
    return Segmentation(
        shape=shape,
        masks=[
            CroppedMask(*divmod(i, shape[1]), np.ones((1, 1), bool))
            for i in range(number)
        ],
        scores=np.ones(number, np.float32),
        boxes=np.zeros((number, 4), np.float32),
        labels=np.zeros(number, np.int64),
        classes=('cell',),
        factor=1.0,
        counts=counts,
    )


@pytest.mark.parametrize(
    ('number', 'dtype'),
    [(0, np.uint16), (65_535, np.uint16), (65_536, np.uint32)],
)
def test_label_image_has_room_for_all_cells(number, dtype):
    cells = segmentation(number)
    labels = cells.label_image()
    assert labels.dtype == cells.label_dtype == dtype
    np.testing.assert_array_equal(
        labels.ravel()[:number], range(1, number + 1)
    )
    assert not labels.ravel()[number:].any()


def test_label_image_is_painted_into_a_mapped_file(tmp_path):
    out = np.lib.format.open_memmap(
        tmp_path / 'labels.npy', 'w+', np.uint32, (300, 300)
    )
    cells = segmentation(70_000)
    assert cells.label_image(out) is out
    np.testing.assert_array_equal(out, cells.label_image())


@pytest.mark.parametrize(
    'out',
    [
        np.zeros((300, 301), np.uint16),
        np.zeros((300, 300), np.uint8),
        np.zeros((300, 300), np.float32),
    ],
)
def test_array_that_cannot_hold_the_labels_is_refused(out):
    with pytest.raises(BadDataError, match=r'400 cells .*uint16'):
        segmentation(400).label_image(out)


def test_warnings_say_how_many_and_what_to_do():
    assert segmentation(1, cut_by_tiles=0, tiles_at_limit=0).warnings == ()
    cut, limit = segmentation(1, cut_by_tiles=3, tiles_at_limit=2).warnings
    assert cut.startswith('3 cells')
    assert 'overlap' in cut
    assert limit.startswith('2 tiles')
    assert 'max_per_img' in limit
