"""One detection of a network, before anything was decided about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cupre_mm.utils.cropped_masks import CroppedMask


@dataclass(frozen=True)
class Detection:
    """A cell that the network found in a tile.

    Attributes:
        mask (CroppedMask): In pixels of the image.
        box (np.ndarray): x1, y1, x2, y2 in pixels of the image, (4,).
        score (float): From 0 to 1.
        label (int): Index of its class.
    """

    mask: CroppedMask
    box: np.ndarray
    score: float
    label: int

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the box's centre."""
        left, top, right, bottom = self.box
        return (top + bottom) / 2, (left + right) / 2
