from cupre_mm.utils.few_shot.split_counts import (
    absent_strata,
    part_counts,
    stratum_counts,
)
from cupre_mm.utils.few_shot.split_images import ImageTraits

TRAITS = ImageTraits(
    cells={'a': 10, 'b': 0, 'c': 5, 'd': 1},
    strata={'a': 'HeLa', 'b': 'HeLa', 'c': 'Vero', 'd': 'U2OS'},
    groups={'a': 'g', 'b': 'g', 'c': 'h', 'd': 'h'},
)


def test_strata_without_images_are_counted_as_zero():
    assert stratum_counts(['a', 'b', 'c'], TRAITS) == {
        'HeLa': {'images': 2, 'annotations': 10},
        'U2OS': {'images': 0, 'annotations': 0},
        'Vero': {'images': 1, 'annotations': 5},
    }


def test_a_part_is_compared_with_the_whole_it_is_of():
    counts = part_counts(['a', 'c'], ['a', 'b', 'c'], TRAITS)
    assert counts.pop('strata')['Vero'] == {'images': 1, 'annotations': 5}
    assert counts == {
        'images': 2,
        'annotations': 15,
        'percent_images': 66.67,
        'percent_annotations': 100.0,
        'groups': 2,
    }


def test_without_traits_and_cells_there_are_no_shares_of_them():
    counts = part_counts(['a'], ['a', 'b'], ImageTraits({'a': 0, 'b': 0}))
    assert counts == {
        'images': 1,
        'annotations': 0,
        'percent_images': 50.0,
        'percent_annotations': 0.0,
    }


def test_strata_that_a_part_lacks_are_named():
    parts = {'test': ['a'], 'train': ['b', 'c', 'd']}
    assert absent_strata(parts, TRAITS) == {'test': ['U2OS', 'Vero']}
    assert absent_strata(parts, ImageTraits()) == {}
