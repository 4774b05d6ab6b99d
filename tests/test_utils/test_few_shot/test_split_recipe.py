import pytest

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.few_shot.split_recipe import (
    SplitRecipe,
    shots_name,
    split_name,
)


@pytest.mark.parametrize(
    ('fraction', 'name'),
    [(5, 'train_5'), (5.0, 'train_5'), (2.5, 'train_2.5'), (100, 'train_100')],
)
def test_names_by_share(fraction, name):
    assert split_name(fraction) == name


def test_names_by_number_of_images():
    assert shots_name(10) == 'train_10shots'
    assert shots_name(2, per_stratum=True) == 'train_2shots_per_stratum'


@pytest.mark.parametrize('fraction', [0, -5, 100.5, float('nan')])
def test_fractions_outside_the_range_are_refused(fraction):
    with pytest.raises(BadConfigError, match=r'is not in \(0, 100\]'):
        SplitRecipe(fractions=(5, fraction))


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'fractions': ()}, 'fractions is empty'),
        ({'fractions': (5, 5.0)}, 'fractions .* repeat a value'),
        ({'shots': (3, 3)}, 'shots .* repeat a value'),
        ({'shots': (0,)}, 'shots 0 is not a number of images'),
        ({'shots': (2.5,)}, 'shots 2.5 is not a number of images'),
        ({'shots_per_stratum': (2,)}, 'needs strata'),
        ({'test_fraction': 20}, 'test_fraction 20 .* write 0.2 for 20 %'),
        ({'test_fraction': 1}, r'is not in \[0, 1\)'),
        ({'val_fraction': -0.1}, 'val_fraction -0.1'),
        ({'balance': 'cells'}, "'cells' is none of none, instances"),
        ({'group': 'auto'}, 'name an image key or a csv file'),
    ],
)
def test_bad_recipes_are_refused(kwargs, message):
    with pytest.raises(BadConfigError, match=message):
        SplitRecipe(**kwargs)


def test_shots_need_no_fractions():
    assert SplitRecipe(fractions=(), shots=(5,)).shots == (5,)
