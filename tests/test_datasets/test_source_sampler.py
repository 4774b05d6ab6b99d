import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mmengine.dataset import ConcatDataset, InfiniteSampler, pseudo_collate
from PIL import Image
from torch.utils.data import DataLoader

from cupre_mm.datasets import CellImages, SourceSampler
from cupre_mm.utils.errors import BadConfigError

SIZES = dict(phase=7, stained=3, fluorescence=20)
WEIGHTS = dict(phase=1.0, stained=2.0, fluorescence=5.0)


def cell_images(
    root: Path, weights: dict | None = WEIGHTS, **kwargs: Any
) -> CellImages:
    for name, size in SIZES.items():
        (root / name).mkdir(exist_ok=True)
        for i in range(size):
            Image.new('L', (2, 2)).save(root / f'{name}/{i:02}.bmp')
    return CellImages(
        [
            dict(name=name, paths=name)
            if weights is None
            else dict(name=name, paths=name, weight=weights[name])
            for name in SIZES
        ],
        data_root=str(root),
        serialize_data=False,
        **kwargs,
    )


@pytest.fixture
def data(tmp_path: Path) -> CellImages:
    return cell_images(tmp_path)


def first(sampler: InfiniteSampler, number: int) -> list[int]:
    return list(itertools.islice(sampler, number))


def source(data: CellImages, index: int) -> str:
    return data.get_data_info(index)['source']


def test_realised_shares_are_those_of_the_weights(data: CellImages):
    drawn = Counter(
        source(data, i) for i in first(SourceSampler(data, seed=0), 16_000)
    )
    # Six standard deviations of a binomial share are less than 0.024.
    for name, weight in WEIGHTS.items():
        assert drawn[name] / 16_000 == pytest.approx(weight / 8, abs=0.024)


def test_shares_asked_for_and_given_are_logged(data: CellImages, log):
    sampler = SourceSampler(data, seed=0)
    drawn = Counter(source(data, i) for i in first(sampler, 10_000))
    for name, weight in WEIGHTS.items():
        assert (
            f'{name}: {SIZES[name]} images, {weight / 8:.1%} of the draws '
            f'asked for, {drawn[name] / 10_000:.1%} of the first 10000 given'
        ) in log.text


@pytest.mark.parametrize('shuffle', [True, False])
def test_each_image_comes_once_before_any_comes_again(
    data: CellImages, shuffle: bool
):
    draws = first(SourceSampler(data, shuffle=shuffle, seed=4), 1500)
    orders = set()
    for name, size in SIZES.items():
        own = [i for i in draws if source(data, i) == name]
        cycles = [
            tuple(own[k : k + size])
            for k in range(0, len(own) - size + 1, size)
        ]
        assert len(cycles) > 10
        assert {len(set(cycle)) for cycle in cycles} == {size}
        orders |= set(cycles)
    if shuffle:
        assert len(orders) > 20
    else:
        assert {tuple(sorted(order)) for order in orders} == orders
        assert len(orders) == 3


def test_same_seed_same_order_and_another_seed_another(data: CellImages):
    draws = first(SourceSampler(data, seed=1), 300)
    assert first(SourceSampler(data, seed=1), 300) == draws
    assert first(SourceSampler(data, seed=2), 300) != draws


def test_without_weights_draws_are_those_of_infinite_sampler(tmp_path: Path):
    data = cell_images(tmp_path, weights=None)
    draws = first(SourceSampler(data, seed=3), 90)
    assert draws == first(InfiniteSampler(data, seed=3), 90)
    for cycle in (draws[:30], draws[30:60], draws[60:]):
        assert sorted(cycle) == list(range(30))


@pytest.mark.parametrize('weighted', [True, False])
# Draws of a source are made in chunks of 1024: one case lies beyond.
@pytest.mark.parametrize('skipped', [0, 5, 1500])
def test_skip_goes_on_where_an_uninterrupted_run_would(
    tmp_path: Path, weighted: bool, skipped: int
):
    data = cell_images(tmp_path, WEIGHTS if weighted else None)
    whole = first(SourceSampler(data, seed=6), skipped + 200)
    resumed = SourceSampler(data, seed=6)
    resumed.skip(skipped)
    assert first(resumed, 200) == whole[skipped:]


def test_ranks_share_out_the_draws_of_one_process(
    data: CellImages, monkeypatch: pytest.MonkeyPatch
):
    whole = first(SourceSampler(data, seed=5), 300)
    for rank in range(3):
        monkeypatch.setattr(
            'mmengine.dataset.sampler.get_dist_info',
            lambda rank=rank: (rank, 3),
        )
        sampler = SourceSampler(data, seed=5)
        assert first(sampler, 100) == whole[rank::3]
        resumed = SourceSampler(data, seed=5)
        resumed.skip(40)
        assert first(resumed, 60) == whole[rank::3][40:]


def test_shares_without_weights_are_those_of_the_images(tmp_path: Path, log):
    SourceSampler(cell_images(tmp_path, weights=None), seed=0)
    assert 'phase: 7 images, 23.3% of the draws asked for, 23.3%' in log.text


def test_weights_given_to_the_sampler_go_before_the_data_sets(
    data: CellImages,
):
    weights = dict(stained=1, phase=1, fluorescence=1e-9)
    draws = first(SourceSampler(data, seed=0, weights=weights), 2000)
    drawn = Counter(source(data, i) for i in draws)
    assert drawn['fluorescence'] == 0
    assert drawn['phase'] / 2000 == pytest.approx(0.5, abs=0.07)


def test_sources_that_a_subset_leaves_out_lose_their_weight(tmp_path: Path):
    data = cell_images(tmp_path, indices=8)
    sampler = SourceSampler(data, seed=0)
    assert sampler.weights == dict(phase=1.0, stained=2.0)
    assert set(first(sampler, 200)) == set(range(8))


def test_concatenated_data_sets_are_drawn_from_by_weight(tmp_path: Path):
    data = cell_images(tmp_path)
    both = ConcatDataset([data, data])
    for weights in (WEIGHTS, None):
        sampler = SourceSampler(both, seed=0, weights=weights)
        assert sampler.weights == WEIGHTS
        assert set(first(sampler, 2000)) == set(range(60))


def test_data_loader_draws_in_the_samplers_order(data: CellImages):
    loader = DataLoader(
        data,
        batch_size=5,
        sampler=SourceSampler(data, seed=9),
        num_workers=2,
        collate_fn=pseudo_collate,
    )
    drawn = [
        index
        for batch in itertools.islice(loader, 4)
        for index in batch['sample_idx']
    ]
    assert drawn == first(SourceSampler(data, seed=9), 20)


@pytest.mark.parametrize(
    ('weights', 'message'),
    [
        (dict(phase=1, stained=1), 'do not fit the sources .*fluorescence'),
        (dict(WEIGHTS, other=1), 'other.* do not fit the sources'),
        (dict(WEIGHTS, phase=0), 'must be a positive number'),
        (dict(WEIGHTS, phase=float('nan')), 'must be a positive number'),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    data: CellImages, weights: dict, message: str
):
    with pytest.raises(BadConfigError, match=message):
        SourceSampler(data, weights=weights)
