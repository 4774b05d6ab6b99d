"""Logistic regression on frozen features."""

import pytest
import torch

from cupre_mm.evaluation.feature_probe.linear_probe import recalls


def clouds(counts, distance: float, seed: int):
    """Rows around a centre of their own for each class."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.repeat_interleave(
        torch.arange(len(counts)), torch.tensor(counts)
    )
    rows = torch.randn(len(classes), 8, generator=generator)
    rows[torch.arange(len(classes)), classes] += distance
    # Neither centred nor of deviation 1.
    return 100 * rows + 7, classes


def test_classes_far_apart_are_all_found():
    found = recalls(
        clouds((300, 300, 300), 9, 0), clouds((50, 50, 50), 9, 1), 3
    )
    assert found == [1.0, 1.0, 1.0]


def test_noise_is_at_chance_and_the_mean_between():
    noise = recalls(
        clouds((3000, 3000, 3000), 0, 0), clouds((999, 999, 999), 0, 1), 3
    )
    assert sum(noise) / 3 == pytest.approx(1 / 3, abs=0.06)
    some = recalls(
        clouds((3000, 3000, 3000), 1.5, 0), clouds((999, 999, 999), 1.5, 1), 3
    )
    assert 0.6 < sum(some) / 3 < 0.95


def test_a_rare_class_weighs_as_much_as_a_common_one():
    counts = (5000, 5000, 50)
    found = recalls(clouds(counts, 2.5, 0), clouds((500, 500, 500), 2.5, 1), 3)
    assert found[2] > 0.7


def test_a_class_without_rows_has_no_share():
    found = recalls(clouds((90, 90, 90), 9, 0), clouds((50, 50, 0), 9, 1), 3)
    assert found == [1.0, 1.0, None]
