"""Pictures of instance outlines, ground truth beside predictions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
from pycocotools import mask as mask_codes

matplotlib.use('Agg')
from matplotlib import pyplot as plt

_PALETTE = (matplotlib.colormaps['hsv'](np.linspace(0, 0.95, 20))[:, :3]) * 255


def draw_outlines(
    image: np.ndarray, masks: Sequence[Mapping[str, Any]]
) -> np.ndarray:
    """Draw the outline of every instance, neighbours in different colours.

    Args:
        image (np.ndarray): RGB image of shape (H, W, 3), uint8.
        masks (Sequence[Mapping]): Compressed COCO RLEs of that size.

    Returns:
        np.ndarray: A copy with outlines, of the same shape.
    """
    drawn = np.ascontiguousarray(image)
    if drawn is image:
        drawn = image.copy()
    for number, mask in enumerate(masks):
        contours, _ = cv2.findContours(
            mask_codes.decode(dict(mask)),
            cv2.RETR_EXTERNAL,
            cv2.CHAIN_APPROX_NONE,
        )
        # A stride that is prime to the palette's length keeps the colours
        # of instances that follow each other apart.
        color = _PALETTE[number * 7 % len(_PALETTE)].tolist()
        cv2.drawContours(drawn, contours, -1, color, 1)
    return drawn


def save_comparison(
    path: str | Path,
    rows: Sequence[tuple[np.ndarray, Mapping[str, Sequence[Mapping]]]],
    title: str,
) -> Path:
    """Write a picture with a row an image and a column an arm.

    Args:
        path (str | Path): Picture file to write.
        rows (Sequence): For each image its RGB pixels (H, W, 3), uint8, and
            the instance masks by column title, in the same order in all
            rows.
        title (str): Title of the picture.

    Returns:
        Path: The file.
    """
    names = list(rows[0][1])
    columns = len(names) + 1
    figure, axes = plt.subplots(
        len(rows),
        columns,
        figsize=(2.6 * columns, 2.7 * len(rows) + 0.5),
        squeeze=False,
        layout='constrained',
    )
    for line, (image, masks) in zip(axes, rows):
        line[0].imshow(image)
        line[0].set_title('image', fontsize=9)
        for axis, name in zip(line[1:], names):
            axis.imshow(draw_outlines(image, masks[name]))
            axis.set_title(f'{name} ({len(masks[name])})', fontsize=9)
        for axis in line:
            axis.axis('off')
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return Path(path)
