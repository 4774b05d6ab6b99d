"""The pipeline of two views that configs/_base_ documents, on real files."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.runner import Runner, set_random_seed
from PIL import Image

from cupre_mm.datasets import CellImages
from cupre_mm.datasets.transforms import CellColorJitter
from cupre_mm.registry import DATASETS

CONFIGS = Path(__file__).resolve().parents[3] / 'configs/_base_/datasets'


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """A large stained PNG, a dark 16-bit TIFF and a small gray PNG."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (10, 12, 3), np.uint8)
    Image.fromarray(cv2.resize(colours, (600, 500))).save(tmp_path / 'a.png')
    dark = rng.integers(300, 420, (330, 360)).astype(np.uint16)
    tifffile.imwrite(tmp_path / 'b.tif', dark)
    gray = rng.integers(0, 90, (120, 90), np.uint8)
    Image.fromarray(gray).save(tmp_path / 'c.png')
    return tmp_path


def build(name: str, cells: Path) -> tuple[CellImages, int]:
    """The data set of a config on these images, and the views' size."""
    config = Config.fromfile(CONFIGS / name)
    dataset = config.train_dataloader.moco.dataset
    dataset.sources = [dict(name='mixed', paths='.')]
    dataset.data_root = str(cells)
    dataset.serialize_data = False
    init_default_scope('mmdet')
    return DATASETS.build(dataset), config.view_pipeline[0].scale


@pytest.mark.parametrize(
    'name', ['coco_and_cells.py', 'mini_coco_and_cells.py']
)
def test_each_image_gives_two_different_views(cells: Path, name: str):
    data, size = build(name, cells)
    set_random_seed(0)
    assert len(data) == 3
    for sample in data:
        views = sample['inputs']
        assert len(views) == 2
        for view in views:
            assert view.shape == (3, size, size)
            assert view.dtype == torch.uint8
            assert view.float().std() > 5
        assert not views[0].equal(views[1])
        assert Path(sample['data_samples'].img_path).parent == cells


def test_mmpretrain_transforms_are_built_under_the_scope_mmdet(cells: Path):
    data, _ = build('coco_and_cells.py', cells)
    assert DefaultScope.get_current_instance().scope_name == 'mmdet'
    [views] = [
        transform
        for transform in data.pipeline.transforms
        if type(transform).__name__ == 'MultiView'
    ]
    assert type(views).__module__.startswith('mmpretrain.')
    assert len(views.transforms) == 2
    for view in views.transforms:
        names = [type(t).__name__ for t in view.transforms]
        assert names == [
            'RandomResizedCrop',
            'RandomApply',
            'RandomGrayscale',
            'GaussianBlur',
            'RandomFlip',
        ]
        crop, apply, _, blur, _ = view.transforms
        # mmdet has a RandomResizedCrop of other arguments by that name.
        assert type(crop).__module__.startswith('mmpretrain.')
        assert type(blur).__module__.startswith('mmpretrain.')
        assert type(apply.transforms.transforms[0]) is CellColorJitter


def test_views_of_gray_images_are_gray_and_of_stained_ones_coloured(
    cells: Path,
):
    data, _ = build('coco_and_cells.py', cells)
    set_random_seed(0)
    for _ in range(4):
        for index in (1, 2):
            for view in data[index]['inputs']:
                assert view.equal(view[:1].expand(3, -1, -1))
    coloured = [
        not view.equal(view[:1].expand(3, -1, -1))
        for _ in range(4)
        for view in data[0]['inputs']
    ]
    assert any(coloured)


def test_same_random_state_gives_the_same_views(cells: Path):
    data, _ = build('coco_and_cells.py', cells)
    draws = []
    for _ in range(2):
        # RandomGrayscale draws from Python's generator, the rest from numpy's.
        set_random_seed(11)
        draws.append(data[0]['inputs'])
    assert all(first.equal(second) for first, second in zip(*draws))


def test_loader_with_workers_replays_its_batches(cells: Path):
    data, size = build('mini_coco_and_cells.py', cells)
    batches = []
    for _ in range(2):
        loader = Runner.build_dataloader(
            dict(
                batch_size=3,
                num_workers=1,
                sampler=dict(type='cupre_mm.SourceSampler'),
                collate_fn=dict(type='default_collate'),
                dataset=data,
            ),
            seed=3,
        )
        batches.append(next(iter(loader))['inputs'])
    for first, second in zip(*batches):
        assert first.shape == (3, 3, size, size)
        assert first.equal(second)
