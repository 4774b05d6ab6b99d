import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from pycocotools import mask as rle_tools

from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.tutorial_images import write_tutorial_images


def _set(root: Path, split: str, images: int, ground: int = 20) -> None:
    (root / 'images').mkdir(parents=True, exist_ok=True)
    (root / 'annotations' / 'seed0').mkdir(parents=True, exist_ok=True)
    coco = {'categories': [{'id': 1, 'name': 'n'}]}
    coco |= {'images': [], 'annotations': []}
    for number in range(1, images + 1):
        file = f'{split}{number:02d}.png'
        pixels = np.full((256, 256, 3), ground, np.uint8)
        coco['images'].append(
            dict(id=number, file_name=file, height=256, width=256)
        )
        for cell in range(16):
            top, left = 60 * (cell // 4) + 5, 60 * (cell % 4) + 5
            mask = np.zeros((256, 256), np.uint8, order='F')
            mask[top : top + 18, left : left + 18] = 1
            pixels[mask > 0] = 200
            code = rle_tools.encode(mask)
            code['counts'] = code['counts'].decode()
            coco['annotations'].append(
                dict(
                    id=len(coco['annotations']) + 1,
                    image_id=number,
                    category_id=1,
                    iscrowd=0,
                    area=324,
                    bbox=[left, top, 18, 18],
                    segmentation=code,
                )
            )
        Image.fromarray(pixels).save(root / 'images' / file)
    path = root / 'annotations' / 'seed0' / f'{split}.json'
    path.write_text(json.dumps(coco))


def test_images_are_labelled_or_new_and_never_both(tmp_path):
    _set(tmp_path / 'set', 'test', images=3)
    _set(tmp_path / 'set', 'train_100', images=10)
    counts = write_tutorial_images(tmp_path / 'set', tmp_path / 'out')
    assert counts == {'my_labels': 6, 'new_images': 2, 'new_labels': 2}
    labels = tifffile.imread(tmp_path / 'out/my_labels/field02_masks.tif')
    image = tifffile.imread(tmp_path / 'out/my_labels/field02.tif')
    assert labels.max() == 16
    assert (image.shape, image.dtype) == ((256, 256), np.uint8)
    assert (image[labels == 5] == 200).all()
    assert (tmp_path / 'out/new_labels/well02_masks.tif').is_file()


def test_a_set_of_another_kind_is_refused(tmp_path):
    _set(tmp_path / 'set', 'test', images=1, ground=180)
    _set(tmp_path / 'set', 'train_100', images=5)
    with pytest.raises(BadDataError, match='small fluorescent nuclei'):
        write_tutorial_images(tmp_path / 'set', tmp_path / 'out')


def test_nothing_is_written_into_a_folder_in_use(tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'mine.txt').write_text('x')
    with pytest.raises(BadConfigError, match='not empty'):
        write_tutorial_images(tmp_path / 'set', tmp_path / 'out')
