"""Random batches of both tasks, held in memory."""

from dataclasses import dataclass

import numpy as np
import torch
from mmdet.testing import demo_mm_inputs
from mmengine.dataset import InfiniteSampler, default_collate, pseudo_collate
from mmpretrain.structures import DataSample
from torch.utils.data import DataLoader

OBJECTS_PER_IMAGE = 8


@dataclass(frozen=True)
class BatchSizes:
    """Sizes of a detection and a contrastive batch.

    Attributes:
        images (int): Images of a detection batch.
        image_size (tuple[int, int]): Their height and width in pixels.
        views (int): Images of a contrastive batch, each in two views.
        view_size (int): Height and width of a view in pixels.
    """

    images: int
    image_size: tuple[int, int]
    views: int
    view_size: int


class _Samples(list):
    """Samples with what mmengine's loops ask of a data set."""

    metainfo: dict = {}


def random_loaders(
    sizes: BatchSizes, num_classes: int = 80
) -> dict[str, DataLoader]:
    """Draw samples of both tasks, always the same ones.

    Args:
        sizes (BatchSizes): How many and how large.
        num_classes (int): Number of classes of the objects.
            Defaults to 80.

    Returns:
        dict[str, DataLoader]: An endless loader for each task, which yields
        the same batch again and again.
    """
    packed = demo_mm_inputs(
        sizes.images,
        (3, *sizes.image_size),
        num_items=[OBJECTS_PER_IMAGE] * sizes.images,
        num_classes=num_classes,
        with_mask=True,
    )
    det = _Samples(
        dict(inputs=image, data_samples=sample)
        for image, sample in zip(packed['inputs'], packed['data_samples'])
    )
    shape = (sizes.views, 2, 3, sizes.view_size, sizes.view_size)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    moco = _Samples(
        dict(inputs=list(torch.from_numpy(views)), data_samples=DataSample())
        for views in pixels
    )
    return {
        task: DataLoader(
            samples,
            batch_size=len(samples),
            sampler=InfiniteSampler(samples, shuffle=False),
            collate_fn=collate,
        )
        for task, samples, collate in (
            ('moco', moco, default_collate),
            ('det', det, pseudo_collate),
        )
    }
