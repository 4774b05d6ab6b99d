import pytest

from cupre_mm.apis import SegmentationOptions
from cupre_mm.utils.errors import BadConfigError


@pytest.mark.parametrize(
    'options',
    [
        dict(score_thr=1.1),
        dict(score_thr=float('nan')),
        dict(score_thr='0.5'),
        dict(min_visible=-0.1),
        dict(scale=0),
        dict(scale=float('inf')),
        dict(diameter=-3),
        dict(tile='512'),
        dict(tile=512.0),
        dict(tile=200, overlap=128),
        dict(overlap=-1),
        dict(batch_size=0),
        dict(batch_size=True),
        dict(min_area=-1),
        dict(max_area=0),
        dict(min_area=50, max_area=20),
        dict(scale=1.0, diameter=20),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(options):
    with pytest.raises(BadConfigError, match=f'{next(iter(options))}='):
        SegmentationOptions(**options)


def test_limits_themselves_are_fine():
    SegmentationOptions(score_thr=0, min_visible=1, tile=288, overlap=128)
    SegmentationOptions(score_thr=1, min_area=5, max_area=5, diameter=20)
