"""Matches of detections with instances, made a few images at a time."""

from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from faster_coco_eval import faster_eval_api_cpp as coco_cpp

from .coco_predictions import to_detections
from .size_bins import LARGEST_AREA, SizeBin
from .sparse_matches import match_sparse

RECALL_THRS = np.linspace(0, 1, 101)
# The IoU of all pairs of a chunk are in memory at once, as 8 bytes, twice.
_MOST_PAIRS = 4_000_000
_MOST_OBJECTS = 20_000


class ImageContent(NamedTuple):
    """One image's ground truth and predictions.

    Attributes:
        image (dict): The entry of the annotation file.
        truths (list[dict]): Its annotations; ``category_id`` is the label.
        pred (dict): Its prediction.
    """

    image: dict
    truths: list[dict]
    pred: dict


class Outcomes(NamedTuple):
    """What became of each detection, whatever its size.

    Attributes:
        image (np.ndarray): Position of its image, (N,).
        label (np.ndarray): Its label, (N,).
        score (np.ndarray): Its score, (N,).
        right (np.ndarray): Whether it found an instance, (T, N).
        ignored (np.ndarray): Whether it lies in a crowd region, (T, N).
    """

    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    right: np.ndarray
    ignored: np.ndarray


class ImageMatches:
    """The matches of all images of one metric.

    ``faster_coco_eval`` matches chunks of images; what it makes of an image
    is kept, some 90 bytes a detection and size bin, and put together for
    any part of the images. The result is that of matching all at once, bit
    for bit, but annotations and detections of the other images need not be
    objects in memory. As in ``pycocotools``, detections of equal score come
    in the order of the images added: add them by ascending id.

    Args:
        metric (str): ``'bbox'`` or ``'segm'``.
        num_classes (int): Number of labels.
        iou_thrs (np.ndarray): IoU thresholds, (T,).
        bins (Sequence[SizeBin]): Size bins.
        cap (int): Detections of a class in an image that are matched.
        with_outcomes (bool): Whether :meth:`outcomes` will be asked for.
            Defaults to False.
    """

    def __init__(
        self,
        metric: str,
        num_classes: int,
        iou_thrs: np.ndarray,
        bins: Sequence[SizeBin],
        cap: int,
        with_outcomes: bool = False,
    ) -> None:
        self._metric = metric
        self._labels = list(range(num_classes))
        self._iou_thrs = iou_thrs
        self._areas = [[0.0, LARGEST_AREA]]
        self._areas += [[one.low, one.high] for one in bins]
        self._cap = cap
        # For each class and size, the opaque evaluation of each image.
        self._kept: list[list] = [
            [] for _ in range(num_classes * len(self._areas))
        ]
        self._with_outcomes = with_outcomes
        self._outcomes: list[Outcomes] = []
        self._num_images = 0

    def add(self, chunk: Sequence[ImageContent]) -> None:
        """Match the detections of some images.

        Args:
            chunk (Sequence[ImageContent]): The images, by ascending id.
        """
        images = [
            {**content.image, 'id': position}
            for position, content in enumerate(chunk)
        ]
        truths = _numbered(content.truths for content in chunk)
        found = _numbered(
            to_detections(content.pred, self._metric) for content in chunk
        )
        evaluation = COCOeval_faster(
            self._coco(images, truths),
            self._coco(images, found),
            self._metric,
            separate_eval=True,
        )
        params = evaluation.params
        params.catIds = self._labels
        params.imgIds = list(range(len(chunk)))
        params.maxDets = [self._cap]
        params.iouThrs = self._iou_thrs
        params.areaRng = self._areas
        params.areaRngLbl = [str(i) for i in range(len(self._areas))]
        evaluation.evaluate()
        for i, kept in enumerate(self._kept):
            start = i * len(chunk)
            kept.extend(evaluation._evalImgs_cpp[start : start + len(chunk)])
        if self._with_outcomes:
            self._outcomes.append(self._follow(evaluation, truths, found))
        self._num_images += len(chunk)

    def accumulate(
        self, caps: Sequence[int], positions: Sequence[int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute precision and recall of all or some images.

        Args:
            caps (Sequence[int]): Ascending numbers of detections of a class
                in an image that count; none above ``cap``.
            positions (Sequence[int], optional): Which images, as numbered by
                the order they were added in. Defaults to None: all.

        Returns:
            tuple[np.ndarray, np.ndarray]: Precision (IoU, recall, class,
            size, cap) and recall (IoU, class, size, cap), -1 where there is
            no instance. The first size is all sizes.
        """
        if positions is None:
            positions = range(self._num_images)
        params = SimpleNamespace(
            iouThrs=self._iou_thrs,
            recThrs=RECALL_THRS,
            maxDets=list(caps),
            catIds=self._labels,
            areaRng=self._areas,
            imgIds=list(range(len(positions))),
            useCats=1,
        )
        result = coco_cpp.COCOevalAccumulate(
            params, [kept[i] for kept in self._kept for i in positions]
        )
        return result['precision'], result['recall']

    def outcomes(self) -> Outcomes:
        """Tell what became of each detection.

        Returns:
            Outcomes: Of all images, in the order they were added in.
        """
        return Outcomes(
            *(np.concatenate(parts, axis=-1) for parts in zip(*self._outcomes))
        )

    def _coco(self, images: list[dict], annotations: list[dict]) -> COCO:
        dataset = {'images': images, 'annotations': annotations}
        dataset['categories'] = [{'id': label} for label in self._labels]
        return COCO(dataset)

    def _follow(
        self,
        evaluation: COCOeval_faster,
        truths: list[dict],
        found: list[dict],
    ) -> Outcomes:
        """Match once more, in a way that tells the pairs."""
        right = np.zeros((len(self._iou_thrs), len(found)), bool)
        ignored = np.zeros_like(right)
        truths_of = _by_image_and_label(truths)
        for key, mine in _by_image_and_label(found).items():
            theirs = truths_of.get(key)
            if theirs is None:
                continue
            scores = np.array([found[i]['score'] for i in mine])
            order = np.argsort(-scores, kind='stable')[: self._cap]
            place = mine[order]
            right[:, place], ignored[:, place] = match_sparse(
                np.asarray(evaluation.ious[key]),
                np.array([bool(truths[i]['iscrowd']) for i in theirs]),
                self._iou_thrs,
            )
        return Outcomes(
            image=np.array([d['image_id'] for d in found], int)
            + self._num_images,
            label=np.array([d['category_id'] for d in found], int),
            score=np.array([d['score'] for d in found], float),
            right=right,
            ignored=ignored,
        )


def in_chunks(
    contents: Iterable[ImageContent],
) -> Iterator[list[ImageContent]]:
    """Gather images until their pairs would need much memory.

    Args:
        contents (Iterable[ImageContent]): The images.

    Yields:
        list[ImageContent]: The next images, at least one.
    """
    chunk: list[ImageContent] = []
    pairs = objects = 0
    for content in contents:
        num_truths, num_found = (
            len(content.truths),
            len(content.pred['labels']),
        )
        pairs += num_truths * num_found
        objects += num_truths + num_found
        if chunk and (pairs > _MOST_PAIRS or objects > _MOST_OBJECTS):
            yield chunk
            chunk, pairs = [], num_truths * num_found
            objects = num_truths + num_found
        chunk.append(content)
    if chunk:
        yield chunk


def _by_image_and_label(
    annotations: list[dict],
) -> dict[tuple[int, int], np.ndarray]:
    groups: dict[tuple[int, int], list[int]] = {}
    for i, one in enumerate(annotations):
        key = one['image_id'], one['category_id']
        groups.setdefault(key, []).append(i)
    return {key: np.array(group) for key, group in groups.items()}


def _numbered(annotations_of_images: Iterable[list[dict]]) -> list[dict]:
    """Copies with ids from 1: 0 would mean that nothing was matched."""
    numbered: list[dict] = []
    for position, annotations in enumerate(annotations_of_images):
        for annotation in annotations:
            ids = {'id': len(numbered) + 1, 'image_id': position}
            numbered.append({**annotation, **ids})
    return numbered
