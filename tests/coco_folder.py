"""A small folder of images with COCO json, and a data set of it."""

import json
from pathlib import Path

import cv2
import numpy as np
import tifffile
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

HEIGHT, WIDTH = 40, 60


def polygon(x: float, y: float, width: float, height: float) -> list[float]:
    return [x, y, x + width, y, x + width, y + height, x, y + height]


def cell(number: int, x: float = 5, y: float = 5, **changes) -> dict:
    return dict(
        dict(
            id=number,
            image_id=1,
            category_id=1,
            bbox=[x, y, 6, 8],
            area=48.0,
            iscrowd=0,
            segmentation=[polygon(x, y, 6, 8)],
        ),
        **changes,
    )


def coco(annotations: list[dict], names: tuple[str, ...] = ('a.tif',)) -> dict:
    return dict(
        images=[
            dict(id=n, file_name=name, height=HEIGHT, width=WIDTH)
            for n, name in enumerate(names, 1)
        ],
        annotations=annotations,
        categories=[dict(id=1, name='cell'), dict(id=2, name='debris')],
    )


def write_folder(root: Path, content: dict) -> None:
    """Write the json, and an image of noise for each entry of it."""
    (root / 'images').mkdir(exist_ok=True)
    (root / 'ann.json').write_text(json.dumps(content))
    random = np.random.default_rng(0)
    for image in content['images']:
        pixels = random.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
        file = root / 'images' / image['file_name']
        if file.suffix == '.tif':
            tifffile.imwrite(file, pixels, compression='zlib')
        else:
            cv2.imwrite(str(file), pixels)


def build_dataset(
    root: Path, loader: str = 'cupre_mm.LoadCellImage', **settings
) -> BaseDataset:
    pipeline = [
        dict(type=loader),
        dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    ]
    return DATASETS.build(
        dict(
            dict(
                type='cupre_mm.CheckedCocoDataset',
                data_root=str(root),
                ann_file='ann.json',
                data_prefix=dict(img='images/'),
                metainfo=dict(classes=('cell',)),
                # Serialising collects garbage for most of a second.
                serialize_data=False,
                pipeline=pipeline,
            ),
            **settings,
        )
    )
