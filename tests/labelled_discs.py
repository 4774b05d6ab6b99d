"""Folders of images and label images of discs, as labelling tools write."""

from pathlib import Path

import numpy as np
import tifffile


def disc_image(
    seed: int, side: int = 96, diameter: float = 24, rows: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a grid of discs: image (H, W), uint8, and labels, uint16."""
    rng = np.random.default_rng(seed)
    image = rng.normal(20, 4, (side, side))
    labels = np.zeros((side, side), np.uint16)
    y, x = np.mgrid[:side, :side]
    step = side / rows
    for number in range(rows * rows):
        top = (number // rows + 0.5) * step + rng.uniform(-1, 1)
        left = (number % rows + 0.5) * step + rng.uniform(-1, 1)
        inside = (y - top) ** 2 + (x - left) ** 2 <= (diameter / 2) ** 2
        labels[inside] = number + 1
        image[inside] += 120
    return image.clip(0, 255).astype(np.uint8), labels


def write_labelled(
    folder: Path, images: int, binary: bool = False, **drawing: float
) -> Path:
    """Write ``field0.tif`` beside ``field0_masks.tif`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(images):
        image, labels = disc_image(number, **drawing)
        if binary:
            labels = (255 * (labels > 0)).astype(np.uint8)
        tifffile.imwrite(folder / f'field{number}.tif', image)
        tifffile.imwrite(folder / f'field{number}_masks.tif', labels)
    return folder
