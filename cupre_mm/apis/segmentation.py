"""What a segmentation of one image consists of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.errors import BadDataError

LARGEST_UINT16 = 2**16 - 1
_WARNINGS = {
    'cut_by_tiles': '{} cells are larger than what neighbouring tiles share, '
    'so that no tile shows them whole: look at them, and give a larger '
    'overlap and tile, or a smaller scale',
    'tiles_at_limit': '{} tiles have as many detections as the model gives, '
    'and may have more cells: give smaller tiles, or raise '
    'model.test_cfg.rcnn.max_per_img and model.test_cfg.rpn in the config',
}


@dataclass(frozen=True)
class Segmentation:
    """The cells of one image, no pixel in more than one of them.

    Cell ``i`` has the value ``i + 1`` in the label image, in tables and in
    all other outputs.

    Attributes:
        shape (tuple[int, int]): Height and width of the image.
        masks (list[CroppedMask]): The cells, best score first, N.
        scores (np.ndarray): Their scores, (N,), float32.
        boxes (np.ndarray): Their detected boxes as x1, y1, x2, y2 in pixels,
            (N, 4), float32. A box may be larger than what other cells left
            of the mask.
        labels (np.ndarray): Index of each one's class, (N,), int64.
        classes (tuple[str, ...]): Names of the classes.
        factor (float): Pixels of the network's input to a pixel of the
            image.
        num_tiles (int): Tiles that the image was cut into. Defaults to 1.
        counts (dict[str, int]): What was left out, and what may be
            incomplete: ``below_score_thr``, ``covered_by_others``,
            ``below_min_area``, ``above_max_area``, ``at_border``,
            ``cut_by_tiles`` (cells that no tile shows whole, put together
            from parts where the tiles agree) and ``tiles_at_limit`` (tiles
            with as many detections as the model gives). Defaults to an empty
            dict.
    """

    shape: tuple[int, int]
    masks: list[CroppedMask]
    scores: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    factor: float
    num_tiles: int = 1
    counts: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def label_dtype(self) -> type[np.unsignedinteger]:
        """uint16, or uint32 where there are more than 65,535 cells."""
        return np.uint16 if len(self) <= LARGEST_UINT16 else np.uint32

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may be wrong with the cells and how to mend it."""
        return tuple(
            text.format(self.counts[name])
            for name, text in _WARNINGS.items()
            if self.counts.get(name)
        )

    def label_image(self, out: np.ndarray | None = None) -> np.ndarray:
        """Paint the cells into one image.

        Args:
            out (np.ndarray, optional): (H, W), zeros, such as a file mapped
                into memory. Defaults to None: a new array of
                :attr:`label_dtype`.

        Returns:
            np.ndarray: (H, W): 0 is background, i + 1 the i-th cell.

        Raises:
            BadDataError: If ``out`` has another shape, or a number type that
                has not enough values.
        """
        if out is None:
            out = np.zeros(self.shape, self.label_dtype)
        if out.shape != self.shape or not _holds(out.dtype, len(self)):
            raise BadDataError(
                f'out is {out.dtype} of shape {out.shape}: {len(self)} cells '
                f'of an image of {self.shape} need '
                f'{np.dtype(self.label_dtype)} and that shape'
            )
        for number, mask in enumerate(self.masks, start=1):
            out[mask.place][mask.pixels] = number
        return out


def _holds(dtype: np.dtype, number: int) -> bool:
    return dtype.kind in 'iu' and np.iinfo(dtype).max >= number
