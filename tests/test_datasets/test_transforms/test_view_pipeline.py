"""The pipeline that configs give the contrastive task, as a whole."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from mmdet.utils import register_all_modules
from mmengine.runner import Runner
from PIL import Image

SIZE = 64
# MoCo v2's views (Chen et al., "Improved Baselines with Momentum
# Contrastive Learning", 2020) as in mmpretrain's imagenet_bs32_mocov2.
VIEW = [
    dict(
        type='mmpretrain.RandomResizedCrop',
        scale=SIZE,
        crop_ratio_range=(0.2, 1.0),
        backend='pillow',
    ),
    dict(
        type='mmpretrain.RandomApply',
        transforms=[
            dict(
                type='cupre_mm.CellColorJitter',
                brightness=0.4,
                contrast=0.4,
                saturation=0.4,
                hue=0.1,
            )
        ],
        prob=0.8,
    ),
    dict(
        type='mmpretrain.RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(
        type='mmpretrain.GaussianBlur',
        magnitude_range=(0.1, 2.0),
        magnitude_std='inf',
        prob=0.5,
    ),
    dict(type='mmpretrain.RandomFlip', prob=0.5),
]
PIPELINE = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='cupre_mm.RandomCellCrop', size=2 * SIZE),
    dict(type='mmpretrain.MultiView', num_views=2, transforms=[VIEW]),
    dict(
        type='mmpretrain.PackInputs',
        meta_keys=['img_path', 'source', 'sample_idx', 'ori_shape'],
    ),
]


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, str]:
    random = np.random.default_rng(0)
    for name in ('gray', 'colour'):
        (tmp_path / name).mkdir()
    for number in range(4):
        deep = random.integers(300, 900, (200 + number, 150), np.uint16)
        tifffile.imwrite(tmp_path / 'gray' / f'{number}.tif', deep)
        stained = random.integers(0, 255, (50, 70, 3), np.uint8)
        Image.fromarray(stained).save(tmp_path / 'colour' / f'{number}.bmp')
    return {name: str(tmp_path / name) for name in ('gray', 'colour')}


@pytest.mark.parametrize('workers', [0, 2])
def test_two_views_a_sample_under_mmdets_scope(
    sources: dict[str, str], workers: int
):
    register_all_modules(init_default_scope=True)
    loader = Runner.build_dataloader(
        dict(
            batch_size=4,
            num_workers=workers,
            sampler=dict(type='cupre_mm.SourceSampler'),
            collate_fn=dict(type='default_collate'),
            dataset=dict(
                type='cupre_mm.CellImages', sources=sources, pipeline=PIPELINE
            ),
        ),
        seed=0,
    )
    batches = iter(loader)
    grays = 0
    for _ in range(4):
        batch = next(batches)
        first, second = batch['inputs']
        assert first.shape == second.shape == (4, 3, SIZE, SIZE)
        assert not (first == second).all()
        for position, sample in enumerate(batch['data_samples']):
            assert sample.img_path.startswith(sources[sample.source])
            if sample.source == 'gray':
                assert sample.ori_shape[1] == 150
                for view in (first[position], second[position]):
                    assert (view == view[:1]).all()
                    assert view.float().std() > 5
                grays += 1
    assert 0 < grays < 16


def test_two_runs_with_one_seed_give_the_same_views(sources: dict[str, str]):
    register_all_modules(init_default_scope=True)

    def first_batch():
        np.random.seed(0)
        loader = Runner.build_dataloader(
            dict(
                batch_size=4,
                num_workers=2,
                sampler=dict(type='cupre_mm.SourceSampler'),
                collate_fn=dict(type='default_collate'),
                dataset=dict(
                    type='cupre_mm.CellImages',
                    sources=sources,
                    pipeline=PIPELINE,
                ),
            ),
            seed=3,
        )
        return next(iter(loader))['inputs']

    for one, other in zip(first_batch(), first_batch()):
        assert (one == other).all()
