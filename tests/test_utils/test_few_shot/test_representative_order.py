import math
import random
from collections import Counter
from itertools import accumulate, pairwise

import pytest

from cupre_mm.utils.few_shot.hash_order import image_order
from cupre_mm.utils.few_shot.representative_order import (
    DrawUnit,
    balanced_order,
    stratified_order,
)

SIZES = {'rare': 3, 'small': 20, 'middle': 57, 'large': 120}


@pytest.fixture(scope='module')
def units():
    """200 images in strata; numbers of cells as skewed as in real sets."""
    chance = random.Random(0)
    return [
        DrawUnit(
            f'{stratum}_{i}.png',
            (f'{stratum}_{i}.png',),
            int(chance.lognormvariate(3, 1)),
            stratum,
        )
        for stratum, size in SIZES.items()
        for i in range(size)
    ]


def _names(units):
    return [unit.name for unit in units]


def test_without_strata_it_is_the_order_by_hash(units):
    plain = [DrawUnit(unit.name, unit.images) for unit in units]
    assert _names(stratified_order(plain, 5)) == image_order(_names(units), 5)


def test_every_beginning_has_its_share_of_each_stratum(units):
    order = stratified_order(units, 0)
    assert sorted(_names(order)) == sorted(_names(units))
    for count in range(1, len(order) + 1):
        taken = Counter(unit.stratum for unit in order[:count])
        for stratum, size in SIZES.items():
            # Rounding, and what the rounding of the other strata leaves.
            assert abs(taken[stratum] - count * size / 200) < 2


def test_every_image_has_the_same_chance_to_be_early(units):
    early = Counter(
        unit.stratum
        for seed in range(400)
        for unit in stratified_order(units, seed)[:20]
    )
    for stratum, size in SIZES.items():
        expected = 400 * 20 * size / 200
        assert abs(early[stratum] - expected) < 4 * math.sqrt(expected)


def test_the_middle_as_start_rounds_to_the_nearest_number(units):
    taken = Counter(
        unit.stratum for unit in stratified_order(units, 0, start=0.5)[:40]
    )
    assert taken == {'large': 24, 'middle': 11, 'small': 4, 'rare': 1}


def test_sparse_and_dense_images_take_turns(units):
    members = [unit for unit in units if unit.stratum == 'large']
    quarters = sorted(unit.cells for unit in members)[30:120:30]
    order = stratified_order(members, 0, by_density=True)
    for first in range(0, 120, 4):
        turn = sorted(unit.cells for unit in order[first : first + 4])
        for cells, (low, high) in zip(
            turn, pairwise([0, *quarters, math.inf])
        ):
            assert low <= cells <= high


def test_order_of_the_input_does_not_matter(units):
    shuffled = random.Random(1).sample(units, len(units))
    assert stratified_order(shuffled, 2, True) == stratified_order(
        units, 2, True
    )


def test_the_best_of_many_orders_is_taken(units):
    def imbalance(order):
        sums = list(accumulate(unit.cells for unit in order))
        return abs(sums[9] / sums[-1] - 0.05)

    errors = [imbalance(stratified_order(units, seed)) for seed in range(20)]
    best = balanced_order(units, 0, imbalance)
    assert sorted(_names(best)) == sorted(_names(units))
    assert imbalance(best) < min(errors)
    assert _names(best) != _names(balanced_order(units, 1, imbalance))


def test_balance_does_not_avoid_images_with_very_many_cells(units):
    def imbalance(order):
        sums = list(accumulate(unit.cells for unit in order))
        return abs(sums[19] / sums[-1] - 0.1)

    dense = set(_names(sorted(units, key=lambda unit: unit.cells)[-20:]))
    early = [
        len(dense & set(_names(balanced_order(units, seed, imbalance)[:20])))
        for seed in range(12)
    ]
    assert 1.2 < sum(early) / len(early) < 2.8


def test_groups_count_by_their_images():
    films = [DrawUnit(f'f{i}', tuple('abcd'), stratum='f') for i in range(2)]
    single = [DrawUnit(str(i), (str(i),), stratum='s') for i in range(8)]
    order = stratified_order(films + single, 0, start=0.5)
    # Each film stands for half of the images of its stratum.
    assert [unit.stratum for unit in order] == list('fssssfssss')
