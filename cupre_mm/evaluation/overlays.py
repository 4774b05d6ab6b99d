"""Pictures of instance outlines, ground truth beside predictions."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
from pycocotools import mask as mask_codes

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.figure_files import save_figure
from cupre_mm.utils.prediction_files import read_predictions
from cupre_mm.utils.rle_codes import compressed_rle

matplotlib.use('Agg')
from matplotlib import pyplot as plt

_PALETTE = (matplotlib.colormaps['hsv'](np.linspace(0, 0.95, 20))[:, :3]) * 255


def draw_outlines(
    image: np.ndarray, masks: Sequence[Mapping[str, Any]]
) -> np.ndarray:
    """Draw the outline of every instance, in a round of 20 colours.

    Args:
        image (np.ndarray): RGB image of shape (H, W, 3), uint8.
        masks (Sequence[Mapping]): Compressed COCO RLEs of that size.

    Returns:
        np.ndarray: A copy with outlines, of the same shape.
    """
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


def choose_comparison(
    ann_file: str | Path,
    predictions: Mapping[str, str | Path],
    num_images: int,
    min_score: float,
) -> list[tuple[str, dict[str, list]]]:
    """Choose test images to show, from sparse to dense ones.

    Args:
        ann_file (str | Path): COCO json of the test images.
        predictions (Mapping[str, str | Path]): Pickle files of
            ``tools/test.py --out`` by title.
        num_images (int): How many images to choose; of fewer, all.
        min_score (float): Least score of the predictions to keep.

    Returns:
        list[tuple[str, dict[str, list]]]: File name of each image, and the
        masks by title, those of 'ground truth' first.

    Raises:
        BadDataError: If there are boxes without masks, or a file lacks an
            image.
    """
    truth = json.loads(Path(ann_file).read_text())
    masks: dict[int, list] = {image['id']: [] for image in truth['images']}
    for annotation in truth['annotations']:
        code = annotation.get('segmentation')
        if not code:
            raise BadDataError(f'{ann_file} holds boxes without masks')
        masks[annotation['image_id']].append(code)
    by_count = sorted(
        truth['images'], key=lambda i: (len(masks[i['id']]), i['id'])
    )
    places = np.linspace(0.2, 0.8, num_images) * (len(by_count) - 1)
    images = [by_count[i] for i in dict.fromkeys(places.astype(int).tolist())]
    rows = {}
    for image in images:
        size = image.get('height'), image.get('width')
        codes = [compressed_rle(code, *size) for code in masks[image['id']]]
        rows[image['id']] = image['file_name'], {'ground truth': codes}
    # A file at a time: those of dense test sets are large.
    for title, file in predictions.items():
        for sample in read_predictions(file):
            if sample['img_id'] not in rows:
                continue
            instances = sample['pred_instances']
            if 'masks' not in instances:
                raise BadDataError(f'{file} holds boxes without masks')
            kept = instances['scores'] >= min_score
            rows[sample['img_id']][1][title] = [
                mask for mask, keep in zip(instances['masks'], kept) if keep
            ]
        if any(title not in columns for _, columns in rows.values()):
            raise BadDataError(
                f'{file} does not hold all images of {ann_file}: it is of '
                'another test'
            )
    return list(rows.values())


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
    save_figure(figure, path, dpi=110)
    plt.close(figure)
    return Path(path)
