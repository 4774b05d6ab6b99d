import io
import os

import numpy as np
import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.own_labels.cellpose_files import read_seg_masks


def _saved(**entries):
    stream = io.BytesIO()
    np.save(stream, entries, allow_pickle=True)
    return stream.getvalue()


def _labels():
    labels = np.zeros((6, 8), np.uint16)
    labels[1:3, 1:4] = 1
    labels[4:, 5:] = 300
    return labels


def test_masks_are_read_from_among_what_cellpose_saves():
    content = _saved(
        outlines=_labels() * 0,
        colors=np.ones((2, 3), np.uint8),
        masks=_labels(),
        chan_choose=[0, 0],
        filename='a.tif',
        flows=[np.zeros((1, 6, 8), np.uint8), [], None],
        ismanual=np.zeros(2, bool),
        diameter=np.float64(17.5),
    )
    assert (read_seg_masks(content) == _labels()).all()


def test_a_volume_of_one_plane_is_a_plane():
    assert read_seg_masks(_saved(masks=_labels()[None])).shape == (6, 8)


def test_volumes_and_fractions_are_refused():
    with pytest.raises(BadDataError, match='one plane'):
        read_seg_masks(_saved(masks=np.stack([_labels()] * 3)))
    with pytest.raises(BadDataError, match='float64'):
        read_seg_masks(_saved(masks=_labels() / 2))


class _Harm:
    def __reduce__(self):
        return os.system, ('true',)


def test_a_pickle_that_would_run_something_is_refused():
    with pytest.raises(BadDataError, match=r'it would run .*system'):
        read_seg_masks(_saved(masks=_labels(), flows=_Harm()))


@pytest.mark.parametrize(
    'content', [b'', b'text', _saved(masks=_labels())[:200], _saved(a=1)]
)
def test_damaged_and_other_files_are_refused(content):
    with pytest.raises(BadDataError, match=r'no _seg\.npy'):
        read_seg_masks(content)
