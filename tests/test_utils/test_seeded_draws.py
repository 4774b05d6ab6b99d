import random

import numpy as np
import pytest
import torch

from cupre_mm.utils.random_states import random_states
from cupre_mm.utils.seeded_draws import seeded_draws
from tests.killed_runs import differences


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def of(*key):
    with seeded_draws(*key):
        return draw()


def test_the_key_decides_the_draws():
    draw()
    one = of(1, 'moco', 5)
    draw()
    assert of(1, 'moco', 5) == one
    others = [of(1, 'det', 5), of(2, 'moco', 5), of(1, 'moco', 6), of(None)]
    numbers = [number for drawn in [one, *others] for number in drawn]
    assert len(set(numbers)) == len(numbers)


def test_states_come_back_after_an_error_as_well():
    before = random_states()
    with pytest.raises(KeyError), seeded_draws(3):
        dict()[draw()]
    assert differences(before, random_states()) == []
