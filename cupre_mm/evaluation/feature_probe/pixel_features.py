"""Features of a detector and the class of each pixel."""

import copy
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.modules.batchnorm import _BatchNorm

from cupre_mm.registry import DATASETS
from cupre_mm.utils.errors import BadConfigError, BadDataError

CLASSES = ('background', 'inside', 'border')
# Of pixels beyond an image's edge, which padding fills.
IGNORED = 255
_RIM = np.ones((3, 3), np.uint8)


class PixelFeatures(NamedTuple):
    """Pixels of some images, on the grid of the finest level.

    Attributes:
        levels (dict[str, Tensor]): Features of shape (M, C) by level: C2 and
            so on of the backbone, P2 and so on of the neck.
        classes (Tensor): Shape (M, ), indices into :data:`CLASSES`.
    """

    levels: dict[str, Tensor]
    classes: Tensor


def read_samples(
    config: Config, ann_file: str, number: int, seed: int
) -> list[dict[str, Any]]:
    """Read images as a fine-tuning does: cropped, flipped and normalised.

    Args:
        config (Config): A fine-tuning config.
        ann_file (str): Annotation file in place of the config's.
        number (int): How many images at most, drawn by the seed.
        seed (int): Of the choice, crops and flips.

    Returns:
        list[dict]: ``inputs`` and ``data_samples`` of each.

    Raises:
        BadDataError: If there is no image.
    """
    settings: Any = config.train_dataloader.dataset
    while 'dataset' in settings:
        settings = settings.dataset
    settings = {**copy.deepcopy(dict(settings)), 'ann_file': ann_file}
    random.seed(seed)
    np.random.seed(seed)
    dataset = DATASETS.build(settings)
    order = np.random.permutation(len(dataset))[:number]
    if not len(order):
        raise BadDataError(f'{ann_file} has no image to probe with')
    return [dataset[index] for index in sorted(order.tolist())]


def pixel_classes(masks: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Draw the classes of all pixels.

    Args:
        masks (np.ndarray): Shape (N, H, W), instances of one image.
        shape (tuple[int, int]): Height and width of the padded image.

    Returns:
        np.ndarray: Shape ``shape``, uint8: 0 background, 1 inside, 2 the
        outermost pixel of an instance, 255 beyond the image.
    """
    height, width = masks.shape[1:]
    drawn = np.zeros((height, width), np.uint8)
    borders = np.zeros((height, width), bool)
    for mask in masks.astype(np.uint8):
        drawn[mask > 0] = 1
        # Beyond the image a cell goes on: its cut is no border.
        eroded = cv2.erode(mask, _RIM, borderValue=1)
        borders |= mask > eroded
    drawn[borders] = 2
    padded = np.full(shape, IGNORED, np.uint8)
    padded[:height, :width] = drawn
    return padded


@torch.no_grad()
def extract(
    model: nn.Module,
    samples: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    batch_size: int,
    number: int,
    seed: int,
) -> PixelFeatures:
    """Compute the features of pixels, as many of each batch.

    Batch normalisation takes the statistics of each batch, as at the first
    step of a fine-tuning: those that a checkpoint brings are of the images
    that it was trained on. Coarser levels are interpolated to the finest; the
    padding of strided convolutions shifts them by some pixels, the same for
    all weights, so that checkpoints compare at a level, and levels do not.

    Args:
        model (nn.Module): A detector; its statistics are changed.
        samples (Sequence[Mapping]): Of :func:`read_samples`.
        names (Sequence[str]): Levels, such as 'C2' and 'P3'.
        batch_size (int): Images at a time, at most; the batches are of one
            size, give or take an image.
        number (int): How many pixels to keep at most.
        seed (int): Of their choice.

    Returns:
        PixelFeatures: Without the pixels beyond an image.

    Raises:
        BadConfigError: If the detector has no such level.
    """
    model.train()
    for module in model.modules():
        # Some configs keep the statistics of the backbone fixed.
        if isinstance(module, _BatchNorm):
            module.train()
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, list[Tensor]] = {}
    classes = []
    batches = np.array_split(
        np.arange(len(samples)), math.ceil(len(samples) / batch_size)
    )
    for indices in batches:
        batch = pseudo_collate([samples[index] for index in indices])
        masks = [
            sample.gt_instances.masks.to_ndarray()
            for sample in batch['data_samples']
        ]
        inputs = model.data_preprocessor(batch)['inputs']
        stages = model.backbone(inputs)
        levels = {f'C{index + 2}': x for index, x in enumerate(stages)}
        levels |= {
            f'P{index + 2}': x for index, x in enumerate(model.neck(stages))
        }
        size = stages[0].shape[-2:]
        drawn = np.stack(
            [pixel_classes(each, tuple(inputs.shape[-2:])) for each in masks]
        )
        own = interpolate(torch.from_numpy(drawn)[:, None].float(), size)
        own = own.flatten().long()
        known = torch.nonzero(own != IGNORED).flatten()
        # All pixels of all batches would not fit into memory.
        order = torch.randperm(len(known), generator=generator)
        known = known[order[: math.ceil(number / len(batches))]]
        classes.append(own[known])
        if unknown := [name for name in names if name not in levels]:
            raise BadConfigError(
                f'no level {", ".join(unknown)}: this detector has '
                f'{", ".join(levels)}'
            )
        for name in names:
            level = interpolate(
                levels[name], size, mode='bilinear', align_corners=False
            )
            rows = level.permute(0, 2, 3, 1).flatten(0, 2)
            found.setdefault(name, []).append(rows[known])
    return PixelFeatures(
        {name: torch.cat(rows)[:number] for name, rows in found.items()},
        torch.cat(classes)[:number],
    )
