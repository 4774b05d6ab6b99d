"""Ground truth in COCO's format: read, checked and indexed."""

import json
from collections.abc import Sequence

from faster_coco_eval import COCO
from faster_coco_eval import mask as mask_utils
from mmengine.fileio import exists, load

from cupre_mm.utils.errors import BadDataError, MissingDataError


def load_annotations(ann_file: str, backend_args: dict | None = None) -> COCO:
    """Read a COCO annotation file.

    Args:
        ann_file (str): Path or address of the file.
        backend_args (dict, optional): Where to read it from, as in
            mmengine's ``fileio``. Defaults to None.

    Returns:
        COCO: The indexed annotations.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it is not a COCO annotation file.
    """
    if not exists(ann_file, backend_args=backend_args):
        raise MissingDataError(
            f'the annotation file {ann_file} of the evaluator does not '
            'exist; data/README.md names the command that makes it'
        )
    try:
        dataset = load(ann_file, backend_args=backend_args)
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
        raise BadDataError(f'{ann_file} is not JSON: {error}') from error
    absent = [
        key
        for key in ('images', 'annotations', 'categories')
        if not isinstance(dataset, dict) or key not in dataset
    ]
    if absent:
        raise BadDataError(
            f'{ann_file} is no COCO annotation file: it lacks {absent}'
        )
    return COCO(dataset)


def index_samples(gts: Sequence[dict], classes: Sequence[str]) -> COCO:
    """Index ground truth that came with the data samples.

    Args:
        gts (Sequence[dict]): One for each image, as mmdet's
            ``FasterCocoMetric.process`` keeps them: ``img_id``, ``height``,
            ``width`` and ``anns``, each with ``bbox`` (x1, y1, x2, y2),
            ``bbox_label`` and maybe ``mask``, a run-length code.
        classes (Sequence[str]): Class names in the order of the labels.

    Returns:
        COCO: The annotations; the labels are the category ids.
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
                'iscrowd': 0,
            }
            if 'mask' in ann:
                annotation['segmentation'] = ann['mask']
                annotation['area'] = int(mask_utils.area(ann['mask']))
            annotations.append(annotation)
    categories = [
        {'id': label, 'name': name} for label, name in enumerate(classes)
    ]
    return COCO(
        {
            'images': images,
            'annotations': annotations,
            'categories': categories,
        }
    )


def check_annotations(coco: COCO, needed: Sequence[str], source: str) -> None:
    """Make sure that every annotation has what the scoring reads.

    Args:
        coco (COCO): The ground truth.
        needed (Sequence[str]): Keys that each annotation must have.
        source (str): What to call the ground truth in the message.

    Raises:
        BadDataError: At the first annotation that lacks a key, or whose
            image is not listed.
    """
    for ann in coco.dataset['annotations']:
        if ann['image_id'] not in coco.imgs:
            raise BadDataError(
                f'annotation {ann["id"]} of {source} is for image '
                f'{ann["image_id"]}, which is not among its images'
            )
        for key in needed:
            if ann.get(key) in (None, [], {}):
                hint = (
                    "; 'segm' needs it: set the evaluator's metric='bbox'"
                    if key == 'segmentation'
                    else ''
                )
                raise BadDataError(
                    f'annotation {ann["id"]} of {source} has no {key}{hint}'
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
