"""Size bins of COCO and of LIVECell, in px."""

import pytest

from cupre_mm.evaluation.size_bins import resolve_size_bins


@pytest.mark.parametrize(
    ('name', 'small', 'medium'),
    [('coco', 1024, 9216), ('livecell', 324, 961)],
)
def test_bins_meet_at_the_published_areas(name, small, medium):
    bins = resolve_size_bins(name)
    assert [(one.key, one.low, one.high) for one in bins] == [
        ('s', 0, small),
        ('m', small, medium),
        ('l', medium, 1e10),
    ]
