"""The predictors of mmdet and SAHI, on the detector of a config."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from pycocotools import mask as mask_codes

from cupre_mm.utils.errors import MissingDataError

# As a COCO result file has them, but for the image's id.
Results = list[dict[str, Any]]
_OUR_STEPS = ('PercentileNormalize', 'LoadAnnotations')


def plain_config(config: Config, stock: bool, score_thr: float) -> Config:
    """Make a config whose pipeline takes 8-bit images as they are.

    Args:
        config (Config): Config of a detector.
        stock (bool): Whether parts of this project give way to those of
            mmdet that they are derived from.
        score_thr (float): Least score of a detection.

    Returns:
        Config: The config.
    """
    config = copy.deepcopy(config)
    dataset = config.test_dataloader.dataset
    pipeline = []
    for step in dataset.pipeline:
        kind = step['type'].rpartition('.')[2]
        if kind == 'LoadCellImage':
            pipeline.append(dict(type='LoadImageFromFile'))
        elif kind not in _OUR_STEPS:
            pipeline.append(step)
    classes = tuple(dataset.get('metainfo', {}).get('classes', ()))
    plain = dict(
        type='CocoDataset', ann_file='', pipeline=pipeline, test_mode=True
    )
    if classes:
        plain['metainfo'] = dict(classes=classes)
    config.test_dataloader.dataset = plain
    # Where SAHI looks whether there are masks.
    config.train_dataloader = dict(
        dataset=dict(
            type='CocoDataset',
            pipeline=[dict(type='LoadAnnotations', with_mask=True)],
        )
    )
    for name in ('val_dataloader', 'test_pipeline', 'load_from'):
        config.pop(name, None)
    model = config.model
    model.test_cfg.rcnn.score_thr = score_thr
    if stock:
        roi = model.roi_head
        roi.type = roi.type.rpartition('.')[2].removeprefix('Chunked')
        roi.pop('chunk_size', None)
        if roi.mask_head.type == 'cupre_mm.RLEMaskHead':
            roi.mask_head.type = roi.mask_head.pop('head', 'FCNMaskHead')
            roi.mask_head.pop('target_chunk_size', None)
        if 'assigner' in model.get('train_cfg', {}).get('rpn', {}):
            model.train_cfg = None
    return config


def load_det_inferencer(
    config: Path, checkpoint: Path, device: str
) -> Callable[[Path], Results]:
    """Load mmdet's ``DetInferencer``.

    Args:
        config (Path): Of :func:`plain_config`.
        checkpoint (Path): The weights.
        device (str): Torch device.

    Returns:
        Callable: From an image file to what was found.
    """
    from mmdet.apis import DetInferencer

    inferencer = DetInferencer(
        str(config),
        str(checkpoint),
        device=device,
        palette='random',
        show_progress=False,
    )

    def predict(path: Path) -> Results:
        found = inferencer(str(path), no_save_vis=True)['predictions'][0]
        return [
            dict(score=score, label=label, bbox=_xywh(box), segmentation=mask)
            for score, label, box, mask in zip(
                found['scores'],
                found['labels'],
                found['bboxes'],
                found['masks'],
            )
        ]

    return predict


def load_sahi(
    config: Path,
    checkpoint: Path,
    device: str,
    score_thr: float,
    tile: int,
    overlap: int,
) -> Callable[[Path], Results]:
    """Load SAHI's sliced prediction with its default merging.

    Args:
        config (Path): Of :func:`plain_config`.
        checkpoint (Path): The weights.
        device (str): Torch device.
        score_thr (float): Least score.
        tile (int): Side of a slice.
        overlap (int): What slices share.

    Returns:
        Callable: From an image file to what was found.

    Raises:
        MissingDataError: If SAHI is not installed.
    """
    # SAHI else asks a server for its newest version.
    os.environ.setdefault('SAHI_OFFLINE', '1')
    try:
        from sahi.models.mmdet import MmdetDetectionModel
        from sahi.predict import get_sliced_prediction
    except ImportError as error:
        raise MissingDataError(
            "sahi is not installed: pip install -e '.[bench]', or leave it "
            'out with --no-sahi'
        ) from error
    model = MmdetDetectionModel(
        model_path=str(checkpoint),
        config_path=str(config),
        device=device,
        confidence_threshold=score_thr,
        scope='mmdet',
    )

    def predict(path: Path) -> Results:
        found = get_sliced_prediction(
            str(path),
            model,
            slice_height=tile,
            slice_width=tile,
            overlap_height_ratio=overlap / tile,
            overlap_width_ratio=overlap / tile,
            # The whole image at once is what DetInferencer does.
            perform_standard_pred=False,
            verbose=0,
        )
        return [_from_sahi(one) for one in found.object_prediction_list]

    return predict


def to_rle(mask: np.ndarray) -> dict[str, Any]:
    """Encode a mask.

    Args:
        mask (np.ndarray): (H, W), bool.

    Returns:
        dict: Compressed COCO RLE.
    """
    return mask_codes.encode(np.asfortranarray(mask, np.uint8))


def _from_sahi(one: Any) -> dict[str, Any]:
    return dict(
        score=float(one.score.value),
        label=int(one.category.id),
        bbox=[float(side) for side in one.bbox.to_xywh()],
        # Polygons and the image's size; encoded after the clock stopped.
        polygons=one.mask.segmentation,
        size=[one.mask.full_shape_height, one.mask.full_shape_width],
    )


def finish(results: Results) -> Results:
    """Encode what a predictor left as polygons.

    Args:
        results (list[dict]): Of a predictor.

    Returns:
        list[dict]: With ``segmentation`` as run-length codes whose counts
        are str.
    """
    for one in results:
        if 'polygons' in one:
            size, polygons = one.pop('size'), one.pop('polygons')
            usable = [points for points in polygons if len(points) >= 6]
            codes = mask_codes.frPyObjects(usable, *size) if usable else []
            one['segmentation'] = mask_codes.merge(codes)
            if not codes:
                one['segmentation'] = to_rle(np.zeros(size, bool))
        code = one['segmentation']
        if isinstance(code['counts'], bytes):
            one['segmentation'] = dict(
                size=list(map(int, code['size'])),
                counts=code['counts'].decode(),
            )
    return results


def _xywh(box: list[float]) -> list[float]:
    left, top, right, bottom = box
    return [left, top, right - left, bottom - top]
