"""A stand-in for a trained detector that finds bright spots.

What it finds depends on the pixels alone, not on where a tile begins, as a
perfect network's detections would: whatever differs between tiles and the
whole image is the fault of the tiling. A spot that a tile cuts is found as
the part that the tile shows.
"""

import zipfile
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from PIL import Image
from skimage.measure import label, regionprops

from cupre_mm.apis import CellSegmenter, SegmentationOptions
from cupre_mm.utils.cropped_masks import CroppedMask

PIPELINE = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='Resize', scale_factor=1.0, keep_ratio=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]


class ComponentModel:
    """Finds the connected pixels above a threshold."""

    with_mask = True
    dataset_meta = dict(classes=('cell',))

    def __init__(self, threshold: int = 100, dense_masks: bool = False):
        self.threshold = threshold
        self.dense_masks = dense_masks
        self.shapes = []
        self.test_cfg = {}

    def test_step(self, data: dict) -> list[DetDataSample]:
        self.shapes.append([tuple(one.shape[1:]) for one in data['inputs']])
        return [
            self._predict(image, sample)
            for image, sample in zip(data['inputs'], data['data_samples'])
        ]

    def _predict(
        self, image: torch.Tensor, sample: DetDataSample
    ) -> DetDataSample:
        shape = sample.ori_shape
        bright = (image.amax(dim=0).numpy() > self.threshold).astype(np.uint8)
        if bright.shape != shape:
            bright = cv2.resize(
                bright, shape[::-1], interpolation=cv2.INTER_NEAREST
            )
        # Labelling takes a while even where there is nothing.
        spots = (
            regionprops(label(bright, connectivity=1)) if bright.any() else []
        )
        masks = [
            CroppedMask(spot.bbox[0], spot.bbox[1], spot.image)
            for spot in spots
        ]
        boxes = [(m.left, m.top, m.right, m.bottom) for m in masks]
        scores = [0.5 + m.area / (2 * m.area + 50) for m in masks]
        if self.dense_masks:
            found = torch.zeros((len(masks), *shape), dtype=torch.bool)
            for one, mask in zip(found, masks):
                one[mask.place] = torch.from_numpy(mask.pixels)
        else:
            found = [mask.to_rle(shape) for mask in masks]
        sample.pred_instances = InstanceData(
            bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            scores=torch.tensor(scores),
            labels=torch.zeros(len(masks), dtype=torch.int64),
            masks=found,
        )
        return sample


def component_segmenter(**options) -> CellSegmenter:
    """A segmenter with the stand-in for a model."""
    init_default_scope('mmdet')
    model = ComponentModel(dense_masks=options.pop('dense_masks', False))
    return CellSegmenter.from_model(
        model,
        Config(dict(test_pipeline=PIPELINE)),
        SegmentationOptions(**options),
    )


def disc_image(
    shape: tuple[int, int], diameters: tuple[int, int], seed: int = 0
) -> np.ndarray:
    """Bright discs that do not touch, on a dark ground, 8 bits."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape, np.uint8)
    pitch = diameters[1] + 3
    for top in range(0, shape[0] - pitch, pitch):
        for left in range(0, shape[1] - pitch, pitch):
            radius = int(rng.integers(diameters[0], diameters[1] + 1)) // 2
            # Cells stand anywhere, not on the grid.
            room = pitch - 2 * radius - 2
            y, x = rng.integers(0, max(room, 1), 2) + radius + 1
            cv2.circle(image, (left + int(x), top + int(y)), radius, 255, -1)
    return image


def nuclei_mosaic(shared_data: Path, across: int) -> np.ndarray:
    """Real images of 256 x 256 px with bright nuclei, side by side.

    Some rows and columns are left out, for tiles not to end where images do.
    """
    images = []
    with zipfile.ZipFile(shared_data / 'bbbc038_stage1_train.zip') as archive:
        names = sorted(
            name
            for name in archive.namelist()
            if '/images/' in name and name.endswith('.png')
        )
        for name in names:
            with Image.open(BytesIO(archive.read(name))) as image:
                if image.size != (256, 256):
                    continue
                gray = np.array(image.convert('L'))
            # Fluorescence: a dark ground with a few bright pixels.
            if np.median(gray) < 60:
                images.append(gray)
            if len(images) == across**2:
                break
    rows = [np.hstack(images[i::across]) for i in range(across)]
    return np.vstack(rows)[37:, 51:]
