"""Runs a detector that tools/export_model.py wrote.

Needs torch, torchvision and numpy, and nothing else: neither mmdet nor
cupre_mm. The export tool puts a copy of this file beside the model.

Example:
    >>> from exported_model import ExportedModel
    >>> model = ExportedModel('my_export')
    >>> labels = model.label_image(image)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

# The compiled model calls operators that this import registers.
import torchvision  # noqa: F401
from torch.nn.functional import grid_sample, interpolate

MODEL_NAME = 'model.pt'
_SETTINGS_NAME = 'settings.json'


class Objects(NamedTuple):
    """What was found in an image, best score first.

    Attributes:
        boxes (np.ndarray): x1, y1, x2, y2 in pixels of the image, (N, 4).
        scores (np.ndarray): (N,), from 0 to 1.
        labels (np.ndarray): Index of each one's class, (N,).
        masks (list): ``(top, left, mask)`` of each object: ``mask`` (h, w),
            bool, lies at this row and column of the image. Masks may
            overlap.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    masks: list[tuple[int, int, np.ndarray]]


class ExportedModel:
    """A detector in one file.

    An image goes through the network as a whole; for images much larger than
    2,000 px use ``cupre_mm.apis.CellSegmenter``, which cuts them into tiles.

    Args:
        path (str | Path): The folder that was exported, or ``model.pt``.
        device (str): Such as ``'cpu'`` or ``'cuda:0'``. Defaults to
            ``'cpu'``.

    Attributes:
        settings (dict): How images are prepared, and what else the file
            tells: ``classes``, ``percentiles``, ``resize``,
            ``mask_threshold``.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If the file is another kind of model.
    """

    def __init__(self, path: str | Path, device: str = 'cpu') -> None:
        path = Path(path)
        if path.is_dir():
            path = path / MODEL_NAME
        if not path.is_file():
            raise FileNotFoundError(f'{path}: no exported model there')
        extra = {_SETTINGS_NAME: ''}
        try:
            self._model = torch.jit.load(
                str(path), map_location=device, _extra_files=extra
            )
            self.settings = json.loads(extra[_SETTINGS_NAME])
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f'{path} was not written by tools/export_model.py, or by '
                f'another version of torch: {str(error).splitlines()[0]}'
            ) from error
        self.device = torch.device(device)
        self.classes = tuple(self.settings['classes'])

    def detect(self, image: np.ndarray, score_thr: float = 0.5) -> Objects:
        """Find the objects of an image.

        Args:
            image (np.ndarray): (H, W) or (H, W, 3) in the order R, G, B; any
                real number type where the model normalises by percentiles,
                else uint8.
            score_thr (float): Least score. Defaults to 0.5.

        Returns:
            Objects: The objects.

        Raises:
            ValueError: If it is no such image.
        """
        pixels = self._eight_bits(np.asarray(image))
        height, width = pixels.shape[:2]
        # A copy: torch takes no arrays with negative strides.
        planes = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
        planes = planes.to(self.device, torch.float32)
        factor = self._factor(height, width)
        size = (
            max(1, int(height * factor + 0.5)),
            max(1, int(width * factor + 0.5)),
        )
        if size != (height, width):
            planes = interpolate(planes[None], size, mode='bilinear')[0]
            planes = planes.round()
        with torch.inference_mode():
            boxes, scores, labels, masks = self._model(planes, score_thr)
            scale = boxes.new_tensor([size[1] / width, size[0] / height])
            boxes = boxes / scale.repeat(2)
            threshold = self.settings['mask_threshold']
            placed = [
                _paste(mask, box, (height, width), threshold)
                for mask, box in zip(masks, boxes.tolist())
            ]
        return Objects(
            boxes.cpu().numpy(),
            scores.cpu().numpy(),
            labels.cpu().numpy(),
            placed,
        )

    def label_image(
        self, image: np.ndarray, score_thr: float = 0.5
    ) -> np.ndarray:
        """Segment an image; where objects overlap the better scored wins.

        Args:
            image (np.ndarray): See :meth:`detect`.
            score_thr (float): Least score. Defaults to 0.5.

        Returns:
            np.ndarray: (H, W), int32: 0 is background, i + 1 the i-th object
            of :meth:`detect`. A number is missing where better ones cover an
            object whole.
        """
        found = self.detect(image, score_thr)
        labels = np.zeros(np.asarray(image).shape[:2], np.int32)
        for number, (top, left, mask) in enumerate(found.masks, start=1):
            part = labels[
                top : top + mask.shape[0], left : left + mask.shape[1]
            ]
            part[mask & (part == 0)] = number
        return labels

    def _eight_bits(self, image: np.ndarray) -> np.ndarray:
        if image.ndim == 2:
            image = image[..., None]
        if image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
            raise ValueError(
                f'an image is (H, W) or (H, W, 3), not {image.shape}'
            )
        percentiles = self.settings['percentiles']
        if percentiles is not None:
            image = _stretch(image, percentiles)
        elif image.dtype != np.uint8:
            raise ValueError(
                f'this model takes uint8 images, and these are {image.dtype}'
            )
        return np.broadcast_to(image, (*image.shape[:2], 3))

    def _factor(self, height: int, width: int) -> float:
        resize = self.settings['resize']
        if 'factor' in resize:
            return resize['factor']
        short, long = sorted(resize['scale'])
        return min(long / max(height, width), short / min(height, width))


def _stretch(image: np.ndarray, percentiles: list[float]) -> np.ndarray:
    """Two percentiles become 0 and 255."""
    finite = image[np.isfinite(image)] if image.dtype.kind == 'f' else image
    if not finite.size:
        return np.zeros(image.shape, np.uint8)
    bottom, top = np.percentile(finite, percentiles)
    if bottom == top:
        bottom, top = float(finite.min()), float(finite.max())
    if bottom == top:
        return np.zeros(image.shape, np.uint8)
    exact = np.float32 if image.dtype.itemsize <= 2 else np.float64
    scaled = (image.astype(exact) - exact(bottom)) * exact(
        255 / (top - bottom)
    )
    scaled = np.clip(np.nan_to_num(scaled, nan=0.0), 0, 255)
    return np.rint(scaled).astype(np.uint8)


def _paste(
    mask: torch.Tensor,
    box: list[float],
    shape: tuple[int, int],
    threshold: float,
) -> tuple[int, int, np.ndarray]:
    """Resize a mask to its box, as mmdet does, and cut it to the image."""
    x1, y1, x2, y2 = box
    left, top = max(int(np.floor(x1)) - 1, 0), max(int(np.floor(y1)) - 1, 0)
    right = min(int(np.ceil(x2)) + 1, shape[1])
    bottom = min(int(np.ceil(y2)) + 1, shape[0])
    if right <= left or bottom <= top or x2 <= x1 or y2 <= y1:
        return top, left, np.zeros((0, 0), bool)
    x = torch.arange(left, right, device=mask.device) + 0.5
    y = torch.arange(top, bottom, device=mask.device) + 0.5
    x = (x - x1) / (x2 - x1) * 2 - 1
    y = (y - y1) / (y2 - y1) * 2 - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing='xy'), dim=2)
    sampled = grid_sample(mask[None, None], grid[None], align_corners=False)
    return top, left, (sampled[0, 0] >= threshold).cpu().numpy()
