from pathlib import Path

import numpy as np
from mmengine.config import Config
from pycocotools import mask as mask_codes

from cupre_mm.utils.prediction_benchmark.stock_predictors import (
    finish,
    plain_config,
    to_rle,
)

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'


def mini_config():
    return Config.fromfile(CONFIGS / 'mini/finetune_coco_mini.py')


def kinds_of(config):
    return [step['type'] for step in config.test_dataloader.dataset.pipeline]


def test_stock_config_has_none_of_our_parts():
    config = plain_config(mini_config(), True, 0.3)
    assert 'cupre_mm' not in str(config.model)
    assert config.model.roi_head.mask_head.type == 'FCNMaskHead'
    assert config.model.test_cfg.rcnn.score_thr == 0.3
    assert kinds_of(config) == ['LoadImageFromFile', 'Resize', 'PackDetInputs']


def test_ours_differs_in_the_model_alone():
    ours = plain_config(mini_config(), False, 0.3)
    stock = plain_config(mini_config(), True, 0.3)
    assert ours.model.roi_head.mask_head.type == 'cupre_mm.RLEMaskHead'
    assert kinds_of(ours) == kinds_of(stock)


def test_full_size_model_loses_its_chunks():
    config = Config.fromfile(
        CONFIGS / '_base_/models/bbbc038_cascade-mask-rcnn_r50_fpn.py'
    )
    whole = mini_config()
    whole.model = config.model
    stock = plain_config(whole, True, 0.3)
    assert stock.model.roi_head.type == 'CascadeRoIHead'
    assert 'chunk_size' not in stock.model.roi_head
    assert 'cupre_mm' not in str(stock.model)


def test_given_config_is_not_changed():
    config = mini_config()
    plain_config(config, True, 0.3)
    assert config.model.roi_head.mask_head.type == 'cupre_mm.RLEMaskHead'


def test_polygons_of_sahi_become_masks():
    square = [2.0, 2.0, 8.0, 2.0, 8.0, 6.0, 2.0, 6.0]
    results = [
        dict(polygons=[square, [1.0, 1.0, 2.0, 2.0]], size=[10, 12]),
        dict(polygons=[], size=[10, 12]),
        dict(segmentation=to_rle(np.ones((10, 12), bool))),
    ]
    areas = []
    for one in finish(results):
        assert isinstance(one['segmentation']['counts'], str)
        mask = mask_codes.decode(one['segmentation'])
        assert mask.shape == (10, 12)
        areas.append(int(mask.sum()))
    assert areas == [24, 0, 120]
