"""A 16-bit image must come out of the configs' pipelines as an 8-bit one."""

import json
import random
from functools import cache
from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
import tifffile
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from cupre_mm.registry import DATASETS

CONFIGS = Path(__file__).resolve().parents[3] / 'configs/_base_/datasets'

SIDE = 600


@cache
def cells() -> np.ndarray:
    """Blobs with a camera's noise, from 0 to 1."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    image = rng.normal(0.2, 0.02, (SIDE, SIDE))
    for cy, cx in rng.uniform(0, SIDE, (150, 2)):
        image += 0.6 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 300)
    return image.clip(0, 1)


def write_pair(folder: Path) -> tuple[Path, Path]:
    """The same picture: 16 bits with 200 levels of 65,536, and 8 bits."""
    deep, byte = folder / 'deep.tif', folder / 'byte.png'
    tifffile.imwrite(deep, (1000 + 200 * cells()).round().astype(np.uint16))
    cv2.imwrite(str(byte), (255 * cells()).round().astype(np.uint8))
    return deep, byte


def cast_blindly(deep: Path) -> Path:
    """What a loader that cuts the depth off would make of it."""
    cast = deep.with_name('cast.png')
    values = tifffile.imread(deep)
    cv2.imwrite(str(cast), (values // 256).astype(np.uint8))
    return cast


def seed_everything() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def assert_same_picture(one: np.ndarray, other: np.ndarray) -> None:
    assert one.shape == other.shape
    one, other = one.astype(float), other.astype(float)
    assert other.std() > 20
    assert one.std() == pytest.approx(other.std(), rel=0.03)
    assert np.abs(one - other).mean() < 2.5


@pytest.fixture
def moco() -> Compose:
    init_default_scope('mmdet')
    config = Config.fromfile(CONFIGS / 'coco_and_cells.py')
    return Compose(config.train_dataloader.moco.dataset.pipeline)


def views(pipeline: Compose, path: Path) -> list[np.ndarray]:
    seed_everything()
    packed = pipeline(dict(img_path=str(path)))
    return [view.numpy() for view in packed['inputs']]


def test_moco_sees_a_low_contrast_16_bit_image_as_its_8_bit_copy(
    moco: Compose, tmp_path: Path
):
    deep, byte = write_pair(tmp_path)
    for one, other in zip(views(moco, deep), views(moco, byte), strict=True):
        assert one.dtype == np.uint8
        assert_same_picture(one, other)


def test_a_blind_cast_would_fail_the_test_of_moco(
    moco: Compose, tmp_path: Path
):
    deep, byte = write_pair(tmp_path)
    with pytest.raises(AssertionError):
        assert_same_picture(
            views(moco, cast_blindly(deep))[0], views(moco, byte)[0]
        )


def labelled(folder: Path, image: Path) -> Path:
    """Annotations of one image with one square cell."""
    folder.mkdir()
    coco = {
        'images': [
            {'id': 1, 'file_name': image.name, 'width': SIDE, 'height': SIDE}
        ],
        'annotations': [
            {
                'id': 1,
                'image_id': 1,
                'category_id': 1,
                'bbox': [200, 200, 200, 200],
                'area': 40_000,
                'iscrowd': 0,
                'segmentation': [
                    [200, 200, 400, 200, 400, 400, 200, 400],
                ],
            }
        ],
        'categories': [{'id': 1, 'name': 'nucleus'}],
    }
    (folder / 'coco.json').write_text(json.dumps(coco))
    return folder / 'coco.json'


def detector_inputs(config: str, part: str, image: Path) -> np.ndarray:
    init_default_scope('mmdet')
    loader = Config.fromfile(CONFIGS / config)[f'{part}_dataloader']
    annotations = labelled(image.parent / f'{image.stem}_{part}', image)
    dataset = DATASETS.build(
        dict(
            type='cupre_mm.CheckedCocoDataset',
            data_root='',
            ann_file=str(annotations),
            data_prefix=dict(img=str(image.parent)),
            metainfo=dict(classes=('nucleus',)),
            pipeline=loader.dataset.pipeline,
            test_mode=part == 'test',
        )
    )
    seed_everything()
    return dataset[0]['inputs'].numpy()


@pytest.mark.parametrize('config', ['bbbc038', 'livecell'])
@pytest.mark.parametrize('part', ['train', 'test'])
def test_fine_tuning_sees_a_low_contrast_16_bit_image_as_its_8_bit_copy(
    tmp_path: Path, config: str, part: str
):
    deep, byte = write_pair(tmp_path)
    one, other, cast = (
        detector_inputs(f'{config}_instance.py', part, image)
        for image in (deep, byte, cast_blindly(deep))
    )
    assert one.dtype == np.uint8
    assert_same_picture(one, other)
    with pytest.raises(AssertionError):
        assert_same_picture(cast, other)


def test_opencv_as_mmcv_calls_it_is_such_a_cast(tmp_path: Path):
    """Why the configs do not load cells with LoadImageFromFile."""
    deep, byte = write_pair(tmp_path)
    with pytest.raises(AssertionError):
        assert_same_picture(
            mmcv.imread(str(deep))[..., 0], mmcv.imread(str(byte))[..., 0]
        )
