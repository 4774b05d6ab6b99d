import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cupre_mm.utils.cell_preparation.label_images import looks_like_labels
from cupre_mm.utils.microscopy_io import read_image


def labels() -> np.ndarray:
    image = np.zeros((64, 64), np.uint16)
    for i in range(9):
        y, x = divmod(i, 3)
        image[y * 20 + 2 : y * 20 + 18, x * 20 + 2 : x * 20 + 18] = i * 40 + 1
    return image


def photograph() -> np.ndarray:
    """Cells of the same place and number, with a camera's noise."""
    noise = np.random.default_rng(0).normal(0, 4, (64, 64))
    return np.clip((labels() > 0) * 120 + 20 + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize('dtype', ['uint16', 'int32', 'float32'])
def test_ids_are_told(dtype: str):
    assert looks_like_labels(labels().astype(dtype))


def test_masks_and_colours_of_objects_are_told():
    assert looks_like_labels((labels() > 0) * np.uint8(255))
    colours = np.random.default_rng(0).integers(0, 256, (400, 3), np.uint8)
    assert looks_like_labels(colours[labels()])


def test_photographs_are_not():
    assert not looks_like_labels(photograph())
    assert not looks_like_labels(np.dstack([photograph()] * 3))
    assert not looks_like_labels(photograph() / np.float32(3))


def test_dark_ground_cut_off_at_zero_is_none():
    dark = np.clip(photograph().astype(int) - 60, 0, None).astype(np.uint8)
    assert (dark == 0).mean() > 0.4
    assert not looks_like_labels(dark)


def test_constant_and_tiny_images_are_none():
    assert not looks_like_labels(np.full((9, 9), 3, np.uint8))
    assert not looks_like_labels(np.zeros((1, 5), np.uint8))
    assert not looks_like_labels(np.full((9, 9), np.nan, np.float32))


def test_real_images_and_masks_of_bbbc038(shared_data: Path, tmp_path: Path):
    path = shared_data / 'bbbc038_stage1_train.zip'
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        images = [name for name in names if '/images/' in name][::20]
        masks = [name for name in names if '/masks/' in name][::900]
        for name in images:
            (tmp_path / 'a.png').write_bytes(archive.read(name))
            assert not looks_like_labels(read_image(tmp_path / 'a.png')), name
        told = [
            looks_like_labels(
                np.array(Image.open(BytesIO(archive.read(name))))
            )
            for name in masks
        ]
    assert all(told)
