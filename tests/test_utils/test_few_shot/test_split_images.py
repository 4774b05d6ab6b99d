import random
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest

from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.few_shot.split_images import (
    ImageTraits,
    cell_error,
    share,
    split_file_names,
)
from cupre_mm.utils.few_shot.split_recipe import SplitRecipe

NAMES = [f'{i:03}.png' for i in range(97)]
TYPES = ('A172', 'BV2', 'Huh7', 'SkBr3')


@pytest.fixture(scope='module')
def traits():
    """Four cell types of unlike density, four frames of each scene."""
    chance = random.Random(0)
    strata = {name: TYPES[i // 4 % 4] for i, name in enumerate(NAMES)}
    return ImageTraits(
        cells={
            name: int(chance.lognormvariate(3 + TYPES.index(strata[name]), 1))
            for name in NAMES
        },
        strata=strata,
        groups={name: f'scene{i // 4}' for i, name in enumerate(NAMES)},
    )


def test_smaller_splits_lie_within_larger_ones():
    splits = split_file_names(NAMES, SplitRecipe(fractions=(50, 5, 100, 10)))
    train = ['train_5', 'train_10', 'train_50', 'train_100']
    assert list(splits) == [*train, 'test']
    for small, large in pairwise(train):
        assert set(splits[small]) < set(splits[large])


@pytest.mark.parametrize(
    'method',
    [
        {},
        {'stratify': 'cell_type'},
        {'balance': 'instances'},
        {'stratify': 'cell_type', 'balance': 'instances', 'group': 'scene'},
    ],
)
def test_splits_are_nested_and_parts_disjoint_by_every_method(traits, method):
    recipe = SplitRecipe(shots=(10, 3), val_fraction=0.1, **method)
    splits = split_file_names(NAMES, recipe, traits)
    rising = sorted(
        (name for name in splits if name.startswith('train')),
        key=lambda name: len(splits[name]),
    )
    for small, large in pairwise(rising):
        assert set(splits[small]) <= set(splits[large])
    assert len(splits['train_3shots']) == 3
    assert len(splits['train_10shots']) == 10
    parts = splits['train_100'] + splits['val'] + splits['test']
    assert sorted(parts) == NAMES
    shuffled = random.Random(0).sample(NAMES, len(NAMES))
    assert split_file_names(shuffled, recipe, traits) == splits


def test_parts_are_disjoint_and_complete():
    recipe = SplitRecipe(test_fraction=0.2, val_fraction=0.1)
    splits = split_file_names(NAMES, recipe)
    parts = splits['train_100'] + splits['val'] + splits['test']
    assert sorted(parts) == NAMES
    assert [len(splits[k]) for k in ('train_100', 'val', 'test')] == [
        70,
        8,
        19,
    ]


def test_a_validation_part_changes_neither_test_nor_order():
    plain = split_file_names(NAMES, SplitRecipe())
    tuned = split_file_names(NAMES, SplitRecipe(val_fraction=0.25))
    assert plain['test'] == tuned['test']
    count = len(tuned['train_100'])
    assert plain['train_100'][:count] == tuned['train_100']


def test_no_test_part_when_its_share_is_zero():
    splits = split_file_names(NAMES, SplitRecipe(test_fraction=0))
    assert 'test' not in splits
    assert sorted(splits['train_100']) == NAMES


@pytest.mark.parametrize(
    'method', [{}, {'stratify': 'cell_type', 'balance': 'instances'}]
)
def test_seeds_share_their_held_out_parts_and_nothing_else(traits, method):
    first, second, other_test = (
        split_file_names(
            NAMES, SplitRecipe(val_fraction=0.1, **seeds, **method), traits
        )
        for seeds in (
            {'seed': 0},
            {'seed': 1},
            {'seed': 0, 'test_seed': 1},
        )
    )
    for name in ('test', 'val'):
        assert first[name] == second[name]
        assert set(first[name]) != set(other_test[name])
    assert set(first['train_100']) == set(second['train_100'])
    assert set(first['train_20']) != set(second['train_20'])


def test_every_part_has_its_share_of_each_stratum(traits):
    recipe = SplitRecipe(stratify='cell_type', val_fraction=0.1)
    splits = split_file_names(NAMES, recipe, traits)
    total = Counter(traits.strata.values())
    for part in ('test', 'val', 'train_20', 'train_50', 'train_100'):
        count = Counter(traits.strata[name] for name in splits[part])
        for stratum in TYPES:
            expected = total[stratum] * len(splits[part]) / len(NAMES)
            assert abs(count[stratum] - expected) <= 1.5


@pytest.mark.parametrize('strata', [{}, {'stratify': 'cell_type'}])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_balance_gives_each_part_its_share_of_the_cells(traits, strata, seed):
    recipe = SplitRecipe(
        (10, 20, 50, 100), seed, 0.2, balance='instances', **strata
    )
    splits = split_file_names(NAMES, recipe, traits)

    def cells(names):
        return sum(traits.cells[name] for name in names)

    whole = splits.pop('train_100')
    for part, names in splits.items():
        of = NAMES if part == 'test' else whole
        ratio = cells(names) / cells(of) / (len(names) / len(of))
        assert 0.85 < ratio < 1.15


def test_groups_are_never_on_both_sides(traits):
    recipe = SplitRecipe(group='scene', val_fraction=0.2)
    splits = split_file_names(NAMES, recipe, traits)
    sides = [
        {traits.groups[name] for name in splits[part]}
        for part in ('test', 'val', 'train_100')
    ]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 25
    # To the group nearest to 19 of 97 and 16 of 78.
    assert len(splits['test']) == 20
    assert abs(len(splits['val']) - 16) <= 2


def test_groups_that_are_too_large_are_passed_over():
    # The large one comes first in one seed or another.
    groups = {name: 'large' if name < '060' else name for name in NAMES}
    for seed in range(3):
        splits = split_file_names(
            NAMES,
            SplitRecipe(group='scene', test_seed=seed),
            ImageTraits(groups=groups),
        )
        assert len(splits['test']) == 19
        assert not any(groups[name] == 'large' for name in splits['test'])


@pytest.mark.parametrize('seed', range(5))
def test_a_group_counts_for_the_stratum_of_most_of_its_images(seed):
    # Ten scenes of a, ten of b, and each has one image of another type.
    names = [f'{i:03}.png' for i in range(100)]
    traits = ImageTraits(
        groups={name: f'scene{i // 5}' for i, name in enumerate(names)},
        strata={
            name: 'other' if i % 5 == 0 else 'ab'[i // 50]
            for i, name in enumerate(names)
        },
    )
    recipe = SplitRecipe(group='scene', stratify='type', test_seed=seed)
    test = split_file_names(names, recipe, traits)['test']
    assert Counter(name < '050' for name in test) == {True: 10, False: 10}


def test_of_large_groups_the_smallest_is_held_out():
    groups = {name: 'a' if name < '050' else 'b' for name in NAMES}
    splits = split_file_names(
        NAMES, SplitRecipe(group='scene'), ImageTraits(groups=groups)
    )
    assert splits['test'] == NAMES[50:]


def test_shots_of_each_stratum_lie_in_the_training_part(traits):
    recipe = SplitRecipe(
        (100,), shots_per_stratum=(2, 5), stratify='cell_type'
    )
    splits = split_file_names(NAMES, recipe, traits)
    for count in (2, 5):
        names = splits[f'train_{count}shots_per_stratum']
        found = Counter(traits.strata[name] for name in names)
        assert found == dict.fromkeys(TYPES, count)
        assert set(names) < set(splits['train_100'])
    assert set(splits['train_2shots_per_stratum']) < set(
        splits['train_5shots_per_stratum']
    )


def test_more_shots_than_images_are_refused(traits):
    with pytest.raises(BadDataError, match=r'79 shots .* has 78 image'):
        split_file_names(NAMES, SplitRecipe(shots=(79,)))
    with pytest.raises(BadDataError, match=r"60 shots .* stratum 'A172' has"):
        split_file_names(
            NAMES,
            SplitRecipe(shots_per_stratum=(60,), stratify='cell_type'),
            traits,
        )


@pytest.mark.parametrize(
    'method', [{'stratify': 'x'}, {'group': 'x'}, {'balance': 'instances'}]
)
def test_a_method_without_its_traits_is_refused(method):
    with pytest.raises(BadConfigError, match=r'needs the (strata|grou|cel)'):
        split_file_names(NAMES, SplitRecipe(**method))


@pytest.mark.parametrize(
    ('total', 'part', 'count'),
    [
        (10, Fraction(1, 20), 1),  # 0.5 up
        (10, Fraction(1, 4), 3),  # 2.5 up, where Python's round says 2
        (10, Fraction(6, 25), 2),  # 2.4 down
        (3, Fraction(1, 100), 1),  # at least one
        (7, Fraction(1), 7),
    ],
)
def test_counts_round_half_up_and_are_at_least_one(total, part, count):
    assert share(total, part) == count


def test_decimal_fractions_are_exact():
    # 0.29 * 50 is 14.499999999999998 in binary; 29 % of 50 is 14.5.
    splits = split_file_names(NAMES[:50], SplitRecipe(test_fraction=0.29))
    assert len(splits['test']) == 15


def test_error_of_the_cells_is_relative_to_the_share_of_the_images():
    assert cell_error(55, 5, 1000, 100) == pytest.approx(0.1)
    assert cell_error(45, 5, 1000, 100) == pytest.approx(0.1)
    assert cell_error(0, 5, 0, 100) == 0


@pytest.mark.parametrize(
    ('count', 'kwargs'),
    [(1, {}), (2, {'test_fraction': 0.5, 'val_fraction': 0.5})],
)
def test_no_image_left_to_train_on_is_refused(count, kwargs):
    with pytest.raises(BadDataError, match='leave none to train on'):
        split_file_names(NAMES[:count], SplitRecipe(**kwargs))


def test_one_group_for_all_images_is_refused():
    groups = dict.fromkeys(NAMES, 'one')
    with pytest.raises(BadDataError, match='add images or groups'):
        split_file_names(
            NAMES, SplitRecipe(group='scene'), ImageTraits(groups=groups)
        )
