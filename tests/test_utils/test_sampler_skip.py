import itertools

import pytest
from mmengine.dataset import InfiniteSampler

from cupre_mm.utils.sampler_skip import add_skip, skip


@pytest.mark.parametrize('draws', [0, 3, 25])
def test_skipped_sampler_goes_on_as_one_that_drew(draws):
    drawn, skipped = (InfiniteSampler(range(10), seed=4) for _ in range(2))
    left = list(itertools.islice(drawn, draws + 30))[draws:]
    skip(skipped, draws)
    assert list(itertools.islice(skipped, 30)) == left


def test_position_counts_from_the_start_and_not_from_the_last_draw():
    sampler = InfiniteSampler(range(10), seed=4)
    first = list(itertools.islice(sampler, 5))
    skip(sampler, 0)
    assert list(itertools.islice(sampler, 5)) == first


def test_negative_position_is_refused():
    with pytest.raises(ValueError, match='-1'):
        skip(InfiniteSampler(range(10), seed=4), -1)


def test_method_is_added_where_there_is_none_and_kept_where_there_is(
    monkeypatch,
):
    # Set first, so that the class gets back what it had, or had not.
    monkeypatch.setattr(InfiniteSampler, 'skip', None, raising=False)
    del InfiniteSampler.skip
    add_skip()
    assert InfiniteSampler.skip is skip
    monkeypatch.setattr(InfiniteSampler, 'skip', 'its own')
    add_skip()
    assert InfiniteSampler.skip == 'its own'
