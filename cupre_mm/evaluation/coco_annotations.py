"""Ground truth in COCO's format: read, checked and indexed.

What is kept of an annotation is what the scoring reads, its mask as a
run-length code: polygons would need ten times the memory.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any

from faster_coco_eval import COCO
from faster_coco_eval import mask as mask_utils
from mmengine.fileio import exists, get_local_path
from tqdm import tqdm

from cupre_mm.utils.coco_checks import check_keys, check_unique
from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.json_stream import read_entries, read_list
from cupre_mm.utils.mask_checks import FARTHEST, are_coordinates, is_side

from .run_length_checks import fills_image

_KEPT = ('id', 'image_id', 'category_id', 'bbox', 'area')
# Seconds before a bar of progress shows: most files are read in less.
_PATIENCE = 5.0


def load_annotations(
    ann_file: str,
    backend_args: dict | None = None,
    with_masks: bool = True,
) -> COCO:
    """Read a COCO annotation file of any size, one annotation at a time.

    Args:
        ann_file (str): Path or address of the file.
        backend_args (dict, optional): Where to read it from, as in
            mmengine's ``fileio``. Defaults to None.
        with_masks (bool): Whether masks are needed; they are left out
            otherwise. Defaults to True.

    Returns:
        COCO: The indexed annotations.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it is not a COCO annotation file, or an annotation
            cannot be scored.
    """
    if not exists(ann_file, backend_args=backend_args):
        raise MissingDataError(
            f'the annotation file {ann_file} of the evaluator does not '
            'exist; data/README.md names the command that makes it'
        )
    with get_local_path(ann_file, backend_args=backend_args) as path:
        open_file = partial(open, path, 'rb')
        images = read_list(open_file, 'images', ann_file)
        categories = read_list(open_file, 'categories', ann_file)
        entries = tqdm(
            read_entries(open_file, 'annotations', ann_file),
            desc='reading the ground truth',
            unit=' instances',
            delay=_PATIENCE,
            leave=False,
        )
        return _index(images, entries, categories, ann_file, with_masks)


def index_samples(
    gts: Iterable[dict],
    classes: Sequence[str],
    source: str,
    with_masks: bool = True,
) -> COCO:
    """Index ground truth that came with the data samples.

    Args:
        gts (Iterable[dict]): One for each image, as
            :func:`.keep_sample` gives them: ``img_id``, ``height``,
            ``width`` and ``anns``, each with ``bbox`` (x1, y1, x2, y2),
            ``bbox_label`` and maybe ``mask``, a run-length code.
        classes (Sequence[str]): Class names in the order of the labels.
        source (str): What to call the ground truth in messages.
        with_masks (bool): Whether masks are needed. Defaults to True.

    Returns:
        COCO: The annotations; the labels are the category ids.

    Raises:
        BadDataError: If an annotation cannot be scored.
    """
    images, annotations = [], []
    for gt in gts:
        size = {key: gt[key] for key in ('height', 'width')}
        images.append({'id': gt['img_id'], **size})
        for ann in gt['anns']:
            x1, y1, x2, y2 = (float(value) for value in ann['bbox'])
            annotation = {
                'id': len(annotations) + 1,
                'image_id': gt['img_id'],
                'category_id': ann['bbox_label'],
                'bbox': [x1, y1, x2 - x1, y2 - y1],
                'area': (x2 - x1) * (y2 - y1),
            }
            if 'mask' in ann:
                annotation['segmentation'] = ann['mask']
                annotation['area'] = int(mask_utils.area(ann['mask']))
            annotations.append(annotation)
    categories = [
        {'id': label, 'name': name} for label, name in enumerate(classes)
    ]
    return _index(images, annotations, categories, source, with_masks)


def _index(
    images: list,
    entries: Iterable,
    categories: list,
    source: str,
    with_masks: bool,
) -> COCO:
    check_keys(images, ('id',), 'image', source)
    check_keys(categories, ('id', 'name'), 'category', source)
    check_unique((image['id'] for image in images), 'image id', source)
    known = {image['id']: image for image in images}
    annotations = []
    for number, entry in enumerate(entries):
        check_keys([entry], _KEPT[:3], 'annotation', source, number)
        _check_annotation(entry, known, source)
        annotation = {key: entry[key] for key in _KEPT}
        annotation['iscrowd'] = int(bool(entry.get('iscrowd')))
        if with_masks:
            annotation['segmentation'] = _to_run_lengths(
                entry, known[entry['image_id']], source
            )
        annotations.append(annotation)
    dataset = {'images': images, 'categories': categories}
    with warnings.catch_warnings():
        # Matching numbers them anew.
        warnings.filterwarnings('ignore', 'Found annotation id 0')
        return COCO({**dataset, 'annotations': annotations})


def _check_annotation(entry: dict, images: Mapping, source: str) -> None:
    if entry['image_id'] not in images:
        raise BadDataError(
            f'annotation {entry["id"]} of {source} is for image '
            f'{entry["image_id"]}, which is not among its images'
        )
    for key, count in (('area', 1), ('bbox', 4)):
        value = entry.get(key)
        if value in (None, []):
            raise BadDataError(
                f'annotation {entry["id"]} of {source} has no {key}'
            )
        numbers = value if count > 1 else [value]
        if (
            not isinstance(numbers, list)
            or len(numbers) != count
            or not all(map(_is_finite, numbers))
        ):
            raise BadDataError(
                f'the {key} of annotation {entry["id"]} of {source} is '
                f'{value!r}, not {count} finite number(s): make the file anew'
            )


def _to_run_lengths(entry: dict, image: dict, source: str) -> dict[str, Any]:
    """The mask of an annotation, as faster_coco_eval would make it."""
    name = f'annotation {entry["id"]} of {source}'
    mask = entry.get('segmentation')
    if mask in (None, [], {}):
        raise BadDataError(
            f"{name} has no segmentation; 'segm' needs it: set the "
            "evaluator's metric='bbox'"
        )
    try:
        height, width = int(image['height']), int(image['width'])
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise BadDataError(
            f'image {image["id"]} of {source} has no height and width, which '
            "masks need: write them, or set the evaluator's metric='bbox'"
        ) from error
    if not (is_side(height) and is_side(width)):
        raise BadDataError(
            f'image {image["id"]} of {source} has height {height} and width '
            f'{width}, which are no numbers of pixels: make the file anew'
        )
    size = mask.get('size') if isinstance(mask, dict) else [height, width]
    if not isinstance(size, (list, tuple)) or [*size] != [height, width]:
        raise BadDataError(
            f'the mask of {name} is of {size} pixels (height, '
            f'width), but its image is {[height, width]}: make the file anew'
        )
    if isinstance(mask, list) and not all(map(_is_drawable, mask)):
        raise BadDataError(
            f'the segmentation of {name} is no list of polygons with corners '
            f'within {FARTHEST} pixels: make the file anew'
        )
    try:
        code = mask_utils.segmToRle(mask, width, height)
        whole = fills_image([code]).all()
    except (RuntimeError, TypeError, ValueError) as error:
        raise BadDataError(
            f'the segmentation of {name} is neither polygons nor run '
            f'lengths ({error}): make the file anew'
        ) from error
    if not whole:
        raise BadDataError(
            f'the run lengths of {name} do not fill its image of '
            f'{[height, width]} pixels (height, width): make the file anew'
        )
    return code


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and isfinite(value)
    except OverflowError:
        return False


def _is_drawable(polygon: Any) -> bool:
    return bool(
        isinstance(polygon, list) and polygon and are_coordinates(polygon)
    )


def count_instances(coco: COCO, cat_ids: Sequence[int]) -> int:
    """Count the instances of some categories, crowd regions left out.

    Args:
        coco (COCO): The ground truth.
        cat_ids (Sequence[int]): The categories.

    Returns:
        int: The number of instances.
    """
    wanted = set(cat_ids)
    return sum(
        ann['category_id'] in wanted and not ann.get('iscrowd', 0)
        for ann in coco.dataset['annotations']
    )


def shorten(items: Sequence, most: int = 10) -> str:
    """Write out the first items of a list for a message.

    Args:
        items (Sequence): The items.
        most (int): How many to show. Defaults to 10.

    Returns:
        str: The items in brackets, with the number of those left out.
    """
    shown = ', '.join(repr(item) for item in list(items)[:most])
    more = len(items) - most
    return f'[{shown}]' if more <= 0 else f'[{shown} and {more} more]'
