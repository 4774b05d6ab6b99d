"""Instance masks of which only the part in the instance's box is held."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import mmcv
import numpy as np
import torch
from mmdet.structures.bbox import get_box_type
from mmdet.structures.mask import BitmapMasks


class CroppedBitmapMasks(BitmapMasks):
    """mmdet's ``BitmapMasks`` without the empty image round an instance.

    3,000 cells of 520 x 704 px are 1.1 GB as bitmaps, which a loader's worker
    also has to send to the training process; their crops are about a
    megabyte. Resizing by the nearest pixel, flipping, cropping, padding and
    indexing keep the crops. Everything else works as well, on dense masks
    made for it, and all results equal those of ``BitmapMasks``.

    Args:
        crops (Sequence[np.ndarray]): N arrays (h, w) of 0 and 1.
        corners (Sequence[tuple[int, int]]): Row and column of the upper left
            pixel of each crop.
        height (int): Height of the image.
        width (int): Width of the image.
    """

    def __init__(
        self,
        crops: Sequence[np.ndarray],
        corners: Sequence[tuple[int, int]],
        height: int,
        width: int,
    ) -> None:
        self.height, self.width = int(height), int(width)
        self._crops = list(crops)
        self._corners = [(int(y), int(x)) for y, x in corners]

    @property
    def masks(self) -> np.ndarray:
        """np.ndarray: Dense masks (N, H, W), made anew at each access."""
        dense = np.zeros((len(self), self.height, self.width), np.uint8)
        for mask, crop, (y, x) in zip(dense, self._crops, self._corners):
            mask[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
        return dense

    def __len__(self) -> int:
        return len(self._crops)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[number].masks[0] for number in range(len(self)))

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_masks={len(self)}, '
            f'height={self.height}, width={self.width})'
        )

    def __getitem__(self, index: Any) -> 'CroppedBitmapMasks':
        """Take some of the masks, as by an index into (N, H, W)."""
        if isinstance(index, torch.Tensor):
            index = index.cpu().numpy()
        kept = np.arange(len(self))[index].ravel()
        return CroppedBitmapMasks(
            [self._crops[number] for number in kept],
            [self._corners[number] for number in kept],
            self.height,
            self.width,
        )

    def rescale(
        self, scale: float | tuple[int, int], interpolation: str = 'nearest'
    ) -> BitmapMasks:
        """See ``BaseInstanceMasks.rescale``."""
        width, height = mmcv.rescale_size((self.width, self.height), scale)
        return self.resize((height, width), interpolation)

    def resize(
        self, out_shape: tuple[int, int], interpolation: str = 'nearest'
    ) -> BitmapMasks:
        """See ``BaseInstanceMasks.resize``."""
        if interpolation != 'nearest':
            return super().resize(out_shape, interpolation)
        rows = _nearest(self.height, out_shape[0])
        columns = _nearest(self.width, out_shape[1])
        crops, corners = [], []
        for crop, (y, x) in zip(self._crops, self._corners):
            top, bottom = np.searchsorted(rows, [y, y + crop.shape[0]])
            left, right = np.searchsorted(columns, [x, x + crop.shape[1]])
            taken = np.ix_(rows[top:bottom] - y, columns[left:right] - x)
            crops.append(crop[taken])
            corners.append((top, left))
        return CroppedBitmapMasks(crops, corners, *out_shape)

    def flip(self, flip_direction: str = 'horizontal') -> BitmapMasks:
        """See ``BaseInstanceMasks.flip``."""
        if flip_direction not in ('horizontal', 'vertical', 'diagonal'):
            raise ValueError(f'no such direction of a flip: {flip_direction}')
        crops, corners = [], []
        for crop, (y, x) in zip(self._crops, self._corners):
            if flip_direction != 'vertical':
                crop, x = crop[:, ::-1], self.width - x - crop.shape[1]
            if flip_direction != 'horizontal':
                crop, y = crop[::-1], self.height - y - crop.shape[0]
            crops.append(crop)
            corners.append((y, x))
        return CroppedBitmapMasks(crops, corners, self.height, self.width)

    def pad(self, out_shape: tuple[int, int], pad_val: int = 0) -> BitmapMasks:
        """See ``BaseInstanceMasks.pad``."""
        if pad_val:
            return super().pad(out_shape, pad_val)
        return CroppedBitmapMasks(self._crops, self._corners, *out_shape)

    def crop(self, bbox: np.ndarray) -> BitmapMasks:
        """See ``BaseInstanceMasks.crop``."""
        x1, x2 = (int(v) for v in np.clip(bbox[0::2], 0, self.width))
        y1, y2 = (int(v) for v in np.clip(bbox[1::2], 0, self.height))
        width, height = max(x2 - x1, 1), max(y2 - y1, 1)
        crops, corners = [], []
        for crop, (y, x) in zip(self._crops, self._corners):
            # A copy, or the whole crop would stay in memory.
            part = crop[
                max(y1 - y, 0) : max(y1 + height - y, 0),
                max(x1 - x, 0) : max(x1 + width - x, 0),
            ].copy()
            if part.size:
                crops.append(part)
                corners.append((max(y - y1, 0), max(x - x1, 0)))
            else:
                crops.append(part[:0, :0])
                corners.append((0, 0))
        return CroppedBitmapMasks(crops, corners, height, width)

    def crop_and_resize(
        self,
        bboxes: np.ndarray | torch.Tensor,
        out_shape: tuple[int, int],
        inds: np.ndarray | torch.Tensor,
        device: str = 'cpu',
        interpolation: str = 'bilinear',
        binarize: bool = True,
    ) -> BitmapMasks:
        """See ``BaseInstanceMasks.crop_and_resize``."""
        chosen = self[inds]
        dense = BitmapMasks(chosen.masks, self.height, self.width)
        return dense.crop_and_resize(
            bboxes,
            out_shape,
            np.arange(len(chosen)),
            device,
            interpolation,
            binarize,
        )

    def expand(
        self, expanded_h: int, expanded_w: int, top: int, left: int
    ) -> BitmapMasks:
        """See ``BaseInstanceMasks.expand``."""
        corners = [(y + top, x + left) for y, x in self._corners]
        return CroppedBitmapMasks(self._crops, corners, expanded_h, expanded_w)

    @property
    def areas(self) -> np.ndarray:
        """np.ndarray: Pixels of each mask, (N,)."""
        areas = [int(crop.sum()) for crop in self._crops]
        return np.array(areas, dtype=np.uint64)

    def get_bboxes(self, dst_type: str = 'hbb') -> Any:
        """See ``BaseInstanceMasks.get_bboxes``."""
        dense = BitmapMasks(self.masks, self.height, self.width)
        return get_box_type(dst_type)[1].from_instance_masks(dense)

    @classmethod
    def cat(cls, masks: Sequence['CroppedBitmapMasks']) -> BitmapMasks:
        """See ``BaseInstanceMasks.cat``."""
        if not masks:
            raise ValueError('no masks to concatenate')
        return cls(
            [crop for each in masks for crop in each._crops],
            [corner for each in masks for corner in each._corners],
            masks[0].height,
            masks[0].width,
        )

    @classmethod
    def from_dense(
        cls, masks: Iterable[np.ndarray], height: int, width: int
    ) -> 'CroppedBitmapMasks':
        """Crop dense masks to their pixels, one after another.

        Args:
            masks (Iterable[np.ndarray]): Masks (height, width) of 0 and 1.
            height (int): Height of the image.
            width (int): Width of the image.

        Returns:
            CroppedBitmapMasks: The masks.
        """
        crops, corners = [], []
        for mask in masks:
            rows = np.flatnonzero(mask.any(axis=1))
            columns = np.flatnonzero(mask.any(axis=0))
            y, bottom = (rows[0], rows[-1] + 1) if len(rows) else (0, 0)
            x, right = (
                (columns[0], columns[-1] + 1) if len(columns) else (0, 0)
            )
            crops.append(np.ascontiguousarray(mask[y:bottom, x:right]).copy())
            corners.append((y, x))
        return cls(crops, corners, height, width)


def _nearest(size: int, resized: int) -> np.ndarray:
    """Tell which pixel of a line each pixel of the resized line takes."""
    line = np.arange(size, dtype=np.float32)[None]
    return mmcv.imresize(line, (resized, 1), interpolation='nearest')[
        0
    ].astype(np.int64)
