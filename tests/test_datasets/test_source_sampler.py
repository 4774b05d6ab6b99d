from collections import Counter
from itertools import islice

import pytest
from mmengine.dataset import BaseDataset, ConcatDataset, InfiniteSampler
from mmengine.registry import DATA_SAMPLERS

from cupre_mm.datasets import SourceSampler
from cupre_mm.utils.errors import BadConfigError

SIZES = dict(blood=40, nuclei=8, tissue=152)


class _Sources(BaseDataset):
    """Samples of named sources, without files."""

    def __init__(self, weights: list[float] | None = None, **kwargs):
        super().__init__(
            metainfo=dict(sources=list(SIZES), source_weights=weights),
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        return [
            dict(img_path=f'{name}{number}', source=name)
            for name, size in SIZES.items()
            for number in range(size)
        ]


def _draw(sampler: SourceSampler, count: int) -> list[int]:
    return list(islice(iter(sampler), count))


def _sources(dataset: BaseDataset, indices: list[int]) -> Counter[str]:
    return Counter(dataset.get_data_info(i)['source'] for i in indices)


def test_without_weights_draws_as_infinite_sampler():
    dataset = _Sources()
    ours = _draw(SourceSampler(dataset, seed=3), 500)
    assert ours == _draw(InfiniteSampler(dataset, seed=3), 500)


def test_shares_follow_the_weights():
    dataset = _Sources(weights=[1, 2, 1])
    sampler = DATA_SAMPLERS.build(
        dict(type='cupre_mm.SourceSampler', dataset=dataset, seed=0)
    )
    shares = _sources(dataset, _draw(sampler, 8000))
    assert shares['blood'] / 8000 == pytest.approx(0.25, abs=0.02)
    assert shares['nuclei'] / 8000 == pytest.approx(0.5, abs=0.02)


def test_weights_of_the_sampler_win():
    dataset = _Sources(weights=[1, 2, 1])
    weights = dict(tissue=8, nuclei=1, blood=1)
    sampler = SourceSampler(dataset, seed=0, weights=weights)
    shares = _sources(dataset, _draw(sampler, 8000))
    assert shares['tissue'] / 8000 == pytest.approx(0.8, abs=0.02)


def test_every_image_of_a_source_once_a_cycle():
    dataset = _Sources(weights=[1, 1, 1])
    drawn = _draw(SourceSampler(dataset, seed=1), 600)
    nuclei = [index for index in drawn if 40 <= index < 48]
    cycles = [nuclei[i : i + 8] for i in range(0, len(nuclei) - 7, 8)]
    assert len(cycles) > 10
    assert all(sorted(cycle) == list(range(40, 48)) for cycle in cycles)
    assert len({tuple(cycle) for cycle in cycles}) > 5


def test_unshuffled_keeps_the_order_within_a_source():
    dataset = _Sources(weights=[1, 1, 1])
    drawn = _draw(SourceSampler(dataset, seed=1, shuffle=False), 200)
    nuclei = [index for index in drawn if 40 <= index < 48]
    assert nuclei[:16] == list(range(40, 48)) * 2


def test_seed_decides_the_draws():
    dataset = _Sources(weights=[1, 1, 1])
    first = _draw(SourceSampler(dataset, seed=5), 100)
    assert first == _draw(SourceSampler(dataset, seed=5), 100)
    assert first != _draw(SourceSampler(dataset, seed=6), 100)


def test_skip_continues_where_the_run_stopped():
    dataset = _Sources(weights=[1, 5, 1])
    whole = _draw(SourceSampler(dataset, seed=2), 3000)
    resumed = SourceSampler(dataset, seed=2)
    resumed.skip(1700)
    assert _draw(resumed, 1300) == whole[1700:]


def test_ranks_share_out_one_stream(monkeypatch: pytest.MonkeyPatch):
    dataset = _Sources(weights=[1, 5, 1])
    whole = _draw(SourceSampler(dataset, seed=2), 400)
    for rank in range(2):
        monkeypatch.setattr(
            'mmengine.dataset.sampler.get_dist_info',
            lambda rank=rank: (rank, 2),
        )
        assert _draw(SourceSampler(dataset, seed=2), 200) == whole[rank::2]


def test_shares_are_logged(monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    monkeypatch.setattr(
        'cupre_mm.datasets.source_sampler.print_log',
        lambda message, logger: lines.append(message),
    )
    SourceSampler(_Sources(weights=[1, 2, 1]), seed=0)
    assert 'nuclei: 8 images, 50.0% of the draws asked for' in lines[0]
    SourceSampler(_Sources(), seed=0)
    assert 'tissue: 152 images, 76.0% of the draws asked for' in lines[1]


def test_subset_without_a_source_and_wrapped_data_set():
    subset = _Sources(weights=[1, 3, 1], indices=48)
    shares = _sources(subset, _draw(SourceSampler(subset, seed=0), 4000))
    assert shares['nuclei'] / 4000 == pytest.approx(0.75, abs=0.03)
    twice = ConcatDataset([subset, subset])
    drawn = _draw(SourceSampler(twice, seed=0), 4000)
    assert max(drawn) > 48
    assert _sources(twice, drawn)['nuclei'] / 4000 == pytest.approx(
        0.75, abs=0.03
    )


@pytest.mark.parametrize(
    ('weights', 'reason'),
    [
        (dict(blood=1, nuclei=1), 'do not fit the sources'),
        (dict(blood=1, nuclei=1, tissue=1, x=1), 'do not fit the sources'),
        (dict(blood=1, nuclei=0, tissue=1), 'positive number'),
    ],
)
def test_weights_that_make_no_sense(weights: dict, reason: str):
    with pytest.raises(BadConfigError, match=reason):
        SourceSampler(_Sources(), seed=0, weights=weights)
