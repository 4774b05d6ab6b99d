"""Pictures of what a data set holds, as stored or as its pipeline gives it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from pycocotools import mask as mask_codes

from cupre_mm.utils.dataset_inspection.light_coco import (
    read_boxes,
    read_instances,
)
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.microscopy_io import read_image, to_three_channels
from cupre_mm.utils.rle_codes import compressed_rle

# Those that PercentileNormalize takes.
_LOW, _HIGH = 1.0, 99.8
# An 8-bit image whose bright pixels are darker is stretched to be seen.
_DARK = 100
# A pipeline may ask for another draw, as a crop without any instance does.
_MOST_DRAWS = 20


@dataclass(frozen=True)
class Picture:
    """An image, or the views of one, with what is known of its instances.

    Attributes:
        name (str): File of the image.
        panels (list[np.ndarray]): RGB images, (H, W, 3), uint8; instances
            belong to the last.
        facts (list[str]): What to say of it beside the name.
        masks (list[dict], optional): Compressed RLEs; None for boxes alone
            and for unlabelled images. Defaults to None.
        boxes (np.ndarray, optional): Left, top, right and bottom, (N, 4);
            None for unlabelled images. Defaults to None.
    """

    name: str
    panels: list[np.ndarray]
    facts: list[str] = field(default_factory=list)
    masks: list[dict] | None = None
    boxes: np.ndarray | None = None


class PictureSource(Protocol):
    """Numbered pictures of one data set.

    Attributes:
        groups (Sequence[str]): What to draw images alike from: the source
            of each; of labelled images all one.
    """

    groups: Sequence[str]

    def __len__(self) -> int: ...

    def choose(self, numbers: Sequence[int]) -> None:
        """Say which pictures will be asked for."""

    def name_of(self, number: int) -> str:
        """File of the image with that number."""

    def draw(self, number: int) -> Picture:
        """Make the picture with that number."""


class CocoPictures:
    """Images that a COCO json names, with their instances.

    Args:
        ann_file (str | Path): COCO instance json.
        images (str | Path): Folder of the images.
    """

    def __init__(self, ann_file: str | Path, images: str | Path) -> None:
        self._ann_file = ann_file
        self._folder = Path(images)
        self._images = read_boxes(ann_file).images
        self._found: dict[Any, list[dict]] = {}
        self.groups = [''] * len(self._images)

    def __len__(self) -> int:
        return len(self._images)

    def choose(self, numbers: Sequence[int]) -> None:
        """See :class:`PictureSource`."""
        ids = [self._images[number]['id'] for number in numbers]
        self._found = read_instances(self._ann_file, ids)

    def name_of(self, number: int) -> str:
        """See :class:`PictureSource`."""
        return str(self._folder / self._images[number]['file_name'])

    def draw(self, number: int) -> Picture:
        """See :class:`PictureSource`."""
        image, facts = read_visible(self.name_of(number))
        found = [
            entry
            for entry in self._found[self._images[number]['id']]
            if not entry.get('iscrowd')
        ]
        boxes = np.array([a['bbox'] for a in found], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        codes = [entry.get('segmentation') for entry in found]
        return _labelled(self.name_of(number), image, facts, codes, boxes)


class LabelledPictures:
    """Samples of an mmdet data set.

    Args:
        dataset (BaseDataset): The data set.
        augmented (bool): Whether to run its pipeline, which has to end in
            ``PackDetInputs``, or to show images as stored.
        seed (int): Seed of the augmentation.
    """

    def __init__(self, dataset: Any, augmented: bool, seed: int) -> None:
        self._dataset, self._augmented = dataset, augmented
        self._seed = seed
        self.groups = [''] * len(dataset)

    def __len__(self) -> int:
        return len(self._dataset)

    def choose(self, numbers: Sequence[int]) -> None:
        """See :class:`PictureSource`."""

    def name_of(self, number: int) -> str:
        """See :class:`PictureSource`."""
        return self._dataset.get_data_info(number)['img_path']

    def draw(self, number: int) -> Picture:
        """See :class:`PictureSource`."""
        if self._augmented:
            return self._through_pipeline(number)
        info = self._dataset.get_data_info(number)
        image, facts = read_visible(info['img_path'])
        found = [i for i in info['instances'] if not i['ignore_flag']]
        boxes = np.array([i['bbox'] for i in found], float).reshape(-1, 4)
        codes = [instance.get('mask') for instance in found]
        return _labelled(info['img_path'], image, facts, codes, boxes)

    def _through_pipeline(self, number: int) -> Picture:
        sample = draw_sample(self._dataset, number, self._seed)
        instances = sample['data_samples'].gt_instances
        image = _to_rgb(sample['inputs'])
        masks = None
        if 'masks' in instances:
            masks = [
                mask_codes.encode(np.asfortranarray(mask))
                for mask in instances.masks.to_ndarray()
            ]
        boxes = instances.bboxes
        boxes = getattr(boxes, 'tensor', boxes).numpy()
        facts = [_size_of(image), f'{len(boxes)} instances']
        name = self.name_of(number)
        return Picture(name, [image], facts, masks, boxes)


class UnlabelledPictures:
    """Images of :class:`~cupre_mm.datasets.cell_images.CellImages`.

    Args:
        dataset (BaseDataset): The data set.
        augmented (bool): Whether to show the views that its pipeline gives
            beside the image as stored.
        seed (int): Seed of the augmentation.
    """

    def __init__(self, dataset: Any, augmented: bool, seed: int) -> None:
        self._dataset, self._augmented = dataset, augmented
        self._seed = seed
        self.groups = [
            dataset.get_data_info(n)['source'] for n in range(len(dataset))
        ]

    def __len__(self) -> int:
        return len(self._dataset)

    def choose(self, numbers: Sequence[int]) -> None:
        """See :class:`PictureSource`."""

    def name_of(self, number: int) -> str:
        """See :class:`PictureSource`."""
        return self._dataset.get_data_info(number)['img_path']

    def draw(self, number: int) -> Picture:
        """See :class:`PictureSource`."""
        info = self._dataset.get_data_info(number)
        image, facts = read_visible(info['img_path'])
        panels = [image]
        if self._augmented:
            inputs = draw_sample(self._dataset, number, self._seed)['inputs']
            views = [inputs] if torch.is_tensor(inputs) else inputs
            panels += [_to_rgb(view) for view in views]
            facts.append(f'views {_size_of(panels[-1])}')
        facts.insert(0, info['source'])
        return Picture(info['img_path'], panels, facts)


def read_visible(path: str | Path) -> tuple[np.ndarray, list[str]]:
    """Read an image for people to look at.

    Args:
        path (str | Path): The image.

    Returns:
        tuple[np.ndarray, list[str]]: (H, W, 3), uint8, RGB, and its size
        and number type, and whether it was stretched between the
        percentiles 1 and 99.8: done to all but 8-bit images, and to dark
        ones of those.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it cannot be shown.
    """
    image = read_image(path)
    try:
        visible = to_three_channels(image)
    except BadDataError as error:
        raise BadDataError(f'{path}: {error}') from error
    facts = [f'{_size_of(image)} {image.dtype}']
    if image.dtype != np.uint8 or np.percentile(image, _HIGH) < _DARK:
        facts.append('stretched')
        visible = stretch_to_uint8(visible, _LOW, _HIGH)
    return visible, facts


def draw_sample(dataset: Any, number: int, seed: int) -> dict[str, Any]:
    """Run a data set's pipeline on one image, the same at every call.

    Args:
        dataset (BaseDataset): The data set.
        number (int): Number of the image.
        seed (int): Seed; each image has random numbers of its own.

    Returns:
        dict[str, Any]: The packed sample.

    Raises:
        BadDataError: If the pipeline gives no sample in 20 draws.
    """
    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    random.seed(own)
    np.random.seed(own)
    torch.manual_seed(own)
    for _ in range(_MOST_DRAWS):
        sample = dataset.prepare_data(number)
        if sample is not None:
            return sample
    raise BadDataError(
        f'{dataset.get_data_info(number)["img_path"]}: the pipeline gave no '
        f'sample in {_MOST_DRAWS} draws, as where no crop holds an instance'
    )


def _labelled(
    name: str,
    image: np.ndarray,
    facts: list[str],
    codes: list[Any],
    boxes: np.ndarray,
) -> Picture:
    facts = [*facts, f'{len(boxes)} instances']
    height, width = image.shape[:2]
    masks = None
    if codes and all(codes):
        masks = [compressed_rle(code, height, width) for code in codes]
        others = [m for m in masks if tuple(m['size']) != (height, width)]
        if others:
            raise BadDataError(
                f'{name}: {len(others)} masks are of another size than the '
                f'image of {height} x {width}, the first {others[0]["size"]}'
            )
    return Picture(name, [image], facts, masks, boxes)


def _to_rgb(inputs: torch.Tensor) -> np.ndarray:
    """RGB (H, W, 3) of a BGR tensor (3, H, W)."""
    image = inputs.numpy().transpose(1, 2, 0)[..., ::-1]
    if image.dtype != np.uint8:
        image = stretch_to_uint8(image, 0, 100)
    return np.ascontiguousarray(image)


def _size_of(image: np.ndarray) -> str:
    return f'{image.shape[0]} x {image.shape[1]}'
