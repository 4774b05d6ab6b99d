"""What became of each detection of a test run, kept beside the run."""

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval import COCO

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.prediction_files import read_predictions

from ..coco_evaluation import count_truths, image_contents
from ..coco_predictions import (
    check_finite,
    check_predictions,
    drop_repeats,
    one_for_each_image,
)
from ..image_matches import ImageMatches, in_chunks
from .score_summary import METRICS
from .weighted_ap import APMatches

FILE_NAME = 'ap_matches.npz'
# COCO's, as in CellMetric.
IOU_THRS = np.arange(50, 100, 5) / 100
_VERSION = 1


def extract_matches(
    samples: Sequence[Mapping[str, Any]], truth: COCO, max_dets: int
) -> dict[str, APMatches]:
    """Match the detections of a test run with the instances.

    Args:
        samples (Sequence[Mapping]): Predictions of ``tools/test.py --out``.
            The labels number the categories of the ground truth in order.
        truth (COCO): The ground truth, with masks.
        max_dets (int): Detections of a class in an image that count.

    Returns:
        dict[str, APMatches]: Those of ``'bbox'`` and, where masks were
        predicted, of ``'segm'``; images by ascending id.

    Raises:
        BadDataError: If the predictions do not belong to the ground truth.
        BadConfigError: If a label has no category.
    """
    source = 'the ground truth'
    preds = [_prediction(sample, max_dets) for sample in samples]
    metrics = [
        metric
        for metric in METRICS
        if metric == 'bbox' or all('masks' in pred for pred in preds)
    ]
    with_masks = 'segm' in metrics
    categories = [one['id'] for one in truth.dataset['categories']]
    label_of = {category: i for i, category in enumerate(categories)}
    check_finite(preds)
    check_predictions(preds, truth, len(categories), with_masks, source)
    preds = one_for_each_image(drop_repeats(preds), truth, with_masks)
    truths = count_truths(truth, preds, label_of, len(categories))
    found = {}
    for metric in metrics:
        matcher = ImageMatches(
            metric, len(categories), IOU_THRS, (), max_dets, with_outcomes=True
        )
        for chunk in in_chunks(image_contents(truth, preds, label_of)):
            matcher.add(chunk)
        outcomes = matcher.outcomes()
        # Equal scores stay in the order of the images.
        order = np.argsort(-outcomes.score, kind='stable')
        found[metric] = APMatches(
            image=outcomes.image[order],
            label=outcomes.label[order],
            right=outcomes.right[:, order],
            ignored=outcomes.ignored[:, order],
            truths=truths,
        )
    return found


def cached_matches(
    folder: Path, predictions: bytes, truth_sha256: str, max_dets: int
) -> dict[str, APMatches] | None:
    """Read the matches that an earlier call kept.

    Args:
        folder (Path): Folder of the run.
        predictions (bytes): Content of its predictions.
        truth_sha256 (str): Checksum of the ground truth.
        max_dets (int): Detections of a class in an image that count.

    Returns:
        dict[str, APMatches], optional: None where there are none, or they
        are of other files.
    """
    try:
        with np.load(folder / FILE_NAME, allow_pickle=False) as file:
            key = str(file['key'])
            if key != _key(predictions, truth_sha256, max_dets):
                return None
            return {
                metric: _unpack(file, metric)
                for metric in METRICS
                if f'{metric}_image' in file
            }
    # One that was cut off or is of something else is made anew.
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def keep_matches(
    folder: Path,
    matches: Mapping[str, APMatches],
    predictions: bytes,
    truth_sha256: str,
    max_dets: int,
) -> Path:
    """Keep matches, so that the next call need not make them.

    Args:
        folder (Path): Folder of the run.
        matches (Mapping[str, APMatches]): The matches.
        predictions (bytes): Content of the predictions that they are of.
        truth_sha256 (str): Checksum of the ground truth.
        max_dets (int): Detections of a class in an image that count.

    Returns:
        Path: The file.
    """
    arrays: dict[str, Any] = {
        'key': np.array(_key(predictions, truth_sha256, max_dets))
    }
    for metric, one in matches.items():
        arrays[f'{metric}_image'] = one.image.astype(np.int32)
        arrays[f'{metric}_label'] = one.label.astype(np.int32)
        arrays[f'{metric}_right'] = np.packbits(one.right, axis=1)
        arrays[f'{metric}_ignored'] = np.packbits(one.ignored, axis=1)
        arrays[f'{metric}_truths'] = one.truths.astype(np.int32)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    path = folder / FILE_NAME
    write_atomically(path, content.getvalue())
    return path


def matches_of_run(
    folder: Path, truth: COCO | None, truth_sha256: str, max_dets: int
) -> dict[str, APMatches]:
    """Get the matches of a run, kept ones where they are of its files.

    Args:
        folder (Path): Folder with ``predictions.pkl``.
        truth (COCO, optional): The ground truth; None where the file is not
            there, and only kept matches can be had.
        truth_sha256 (str): Its checksum.
        max_dets (int): Detections of a class in an image that count.

    Returns:
        dict[str, APMatches]: Matches by metric.

    Raises:
        BadDataError: If the predictions cannot be used, or the ground truth
            would be needed.
    """
    path = folder / 'predictions.pkl'
    content = path.read_bytes()
    found = cached_matches(folder, content, truth_sha256, max_dets)
    if found is None:
        if truth is None:
            raise BadDataError(
                f'the ground truth that {path} was scored with is not there'
            )
        found = extract_matches(read_predictions(path), truth, max_dets)
        keep_matches(folder, found, content, truth_sha256, max_dets)
    return found


def _key(predictions: bytes, truth_sha256: str, max_dets: int) -> str:
    sha256 = hashlib.sha256(predictions).hexdigest()
    return f'{_VERSION} {sha256} {truth_sha256} {max_dets}'


def _unpack(file: Mapping[str, np.ndarray], metric: str) -> APMatches:
    image = file[f'{metric}_image']

    def flags(name: str) -> np.ndarray:
        packed = file[f'{metric}_{name}']
        return np.unpackbits(packed, axis=1, count=len(image)).astype(bool)

    return APMatches(
        image=image,
        label=file[f'{metric}_label'],
        right=flags('right'),
        ignored=flags('ignored'),
        truths=file[f'{metric}_truths'],
    )


def _prediction(sample: Mapping[str, Any], max_dets: int) -> dict[str, Any]:
    """A sample as :mod:`..coco_predictions` wants it, capped by class."""
    try:
        found = sample['pred_instances']
        scores = np.asarray(found['scores'])
        labels = np.asarray(found['labels'], np.int64)
        boxes = np.asarray(found['bboxes']).reshape(-1, 4)
        # Boxes and masks are both ranked by these in the cap.
        order = np.argsort(-scores, kind='stable')
        rank = np.empty(len(order), int)
        for label in np.unique(labels):
            mine = order[labels[order] == label]
            rank[mine] = np.arange(len(mine))
        keep = np.flatnonzero(rank < max_dets)
        pred = {
            'img_id': sample['img_id'],
            'scores': scores[keep],
            'labels': labels[keep],
            'bboxes': boxes[keep],
        }
        if 'masks' in found:
            pred['masks'] = [found['masks'][i] for i in keep]
        if 'mask_scores' in found:
            pred['mask_scores'] = np.asarray(found['mask_scores'])[keep]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BadDataError(
            'the predictions lack what tools/test.py --out writes: '
            f'{type(error).__name__} {error}'
        ) from error
    return pred
