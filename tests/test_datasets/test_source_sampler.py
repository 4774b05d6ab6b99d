import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mmengine.dataset import ConcatDataset, InfiniteSampler, pseudo_collate
from PIL import Image
from torch.utils.data import DataLoader

from cupre_mm.datasets import CellImages, SourceSampler
from cupre_mm.utils.errors import BadConfigError, UserError

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
        (dict(WEIGHTS, phase='much'), 'must be a positive number'),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    data: CellImages, weights: dict, message: str
):
    with pytest.raises(BadConfigError, match=message):
        SourceSampler(data, weights=weights)


@pytest.fixture
def plain(tmp_path: Path) -> CellImages:
    """Sources of 7, 3 and 20 images, without weights."""
    return cell_images(tmp_path, weights=None)


def drawn_shares(data: CellImages, **kwargs: Any) -> dict[str, float]:
    draws = first(SourceSampler(data, seed=0, **kwargs), 16_000)
    drawn = Counter(source(data, i) for i in draws)
    return {name: drawn[name] / 16_000 for name in SIZES}


@pytest.mark.parametrize('temperature', [2, 5.0, math.inf, 'inf'])
def test_shares_follow_the_temperature(plain: CellImages, temperature: Any):
    raised = {n: s ** (1 / float(temperature)) for n, s in SIZES.items()}
    shares = drawn_shares(plain, temperature=temperature)
    for name, part in raised.items():
        # Six standard deviations of a binomial share.
        assert shares[name] == pytest.approx(
            part / sum(raised.values()), abs=0.024
        )


def test_temperature_one_draws_as_without_one(plain: CellImages):
    sampler = SourceSampler(plain, seed=3, temperature=1)
    assert first(sampler, 90) == first(InfiniteSampler(plain, seed=3), 90)


def test_each_image_comes_once_before_any_again_with_a_temperature(
    plain: CellImages,
):
    draws = first(SourceSampler(plain, seed=1, temperature=2), 600)
    own = [i for i in draws if source(plain, i) == 'stained']
    assert len(own) > 60
    for k in range(0, len(own) - 2, 3):
        assert len(set(own[k : k + 3])) == 3


def test_skip_goes_on_with_a_temperature(plain: CellImages):
    options = dict(seed=6, temperature=3, max_repeat=2)
    whole = first(SourceSampler(plain, **options), 1700)
    resumed = SourceSampler(plain, **options)
    resumed.skip(1500)
    assert first(resumed, 200) == whole[1500:]


def test_max_repeat_holds_a_small_source_back(plain: CellImages, log):
    sampler = SourceSampler(plain, seed=0, temperature='inf', max_repeat=2)
    # Of 30 images 3 are stained: twice their share is a fifth.
    assert sampler.shares == pytest.approx(
        dict(phase=0.4, stained=0.2, fluorescence=0.4)
    )
    assert 'SourceSampler (temperature=inf, max_repeat=2):' in log.text
    assert 'stained: 3 images, 20.0% of the draws asked for' in log.text
    assert '2.00 times its proportional share' in log.text


def test_max_repeat_bounds_weights_too(data: CellImages):
    sampler = SourceSampler(data, seed=0, max_repeat=1)
    assert sampler.shares == pytest.approx(
        {name: size / 30 for name, size in SIZES.items()}
    )


def sized_images(root: Path, **kwargs: Any) -> CellImages:
    """Sources of one image of 40 x 60 px and of 30 of 4 x 4 px."""
    for name, number, size in (('large', 1, (60, 40)), ('tiny', 30, (4, 4))):
        (root / name).mkdir()
        for i in range(number):
            Image.new('L', size).save(root / f'{name}/{i:02}.bmp')
    return CellImages(
        dict(large='large', tiny='tiny'),
        data_root=str(root),
        serialize_data=False,
        **kwargs,
    )


def test_crop_size_counts_crops_and_tiny_images_as_one_each(
    tmp_path: Path, log
):
    data = sized_images(tmp_path)
    # The large image has the area of 24 crops, a tiny one of 0.16.
    sampler = SourceSampler(data, seed=0, crop_size=10)
    assert sampler.shares == pytest.approx(dict(large=24 / 54, tiny=30 / 54))
    assert 'large: 1 images (area of 24 crops), 44.4% of the' in log.text
    assert 'crop_size=10' in log.text


def test_crop_size_asks_for_checked_files(tmp_path: Path):
    data = sized_images(tmp_path, check_files=False)
    with pytest.raises(BadConfigError, match='set check_files=True'):
        SourceSampler(data, crop_size=10)


@pytest.mark.parametrize('option', ['temperature', 'crop_size'])
def test_weights_and_balancing_by_size_exclude_each_other(
    data: CellImages, plain: CellImages, option: str
):
    for images, weights in ((data, None), (plain, WEIGHTS)):
        with pytest.raises(BadConfigError, match=f'{option}=2.0.* as well'):
            SourceSampler(images, weights=weights, **{option: 2})


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('temperature', 0.5),
        ('temperature', -1),
        ('temperature', math.nan),
        ('temperature', 'warm'),
        ('temperature', [2]),
        ('crop_size', 0),
        ('crop_size', math.inf),
        ('max_repeat', 0.9),
        ('max_repeat', 'often'),
    ],
)
def test_numbers_out_of_range_are_refused(
    plain: CellImages, name: str, value: Any
):
    with pytest.raises(BadConfigError, match=f'{name}=.* at least 1'):
        SourceSampler(plain, **{name: value})


def test_data_set_that_names_no_source_is_refused_with_what_to_do():
    class Numbers:
        def __len__(self) -> int:
            return 2

    class Images(Numbers):
        def get_data_info(self, index: int) -> dict:
            return dict(img_path='a.png')

    for data, keys in ((Numbers(), 'nothing'), (Images(), 'img_path')):
        with pytest.raises(UserError, match=keys) as caught:
            SourceSampler(data)
        assert type(data).__name__ in str(caught.value)
        assert "type='InfiniteSampler'" in str(caught.value)
