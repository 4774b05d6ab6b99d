"""The testing part of a config as the tools change it."""

import pytest
from mmengine.config import Config

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.evaluation_config import (
    ann_files_of,
    dataset_type_of,
    enable_tta,
    local_file_of,
    set_detector_limit,
)

MODEL = {'type': 'MaskRCNN', 'test_cfg': {'rcnn': {'max_per_img': 700}}}


def test_detector_limit_is_the_models_unless_given():
    config = Config(
        {
            'model': MODEL,
            'val_evaluator': {'type': 'cupre_mm.CellMetric'},
            'test_evaluator': [
                {'type': 'CellMetric', 'detector_limit': 5},
                {'type': 'CocoMetric'},
            ],
        }
    )
    set_detector_limit(config)
    assert config.val_evaluator.detector_limit == 700
    assert config.test_evaluator[0].detector_limit == 5
    assert 'detector_limit' not in config.test_evaluator[1]


def test_detector_limit_of_a_one_stage_model():
    config = Config(
        {
            'model': {'test_cfg': {'max_per_img': 30}},
            'test_evaluator': {'type': 'cupre_mm.CellMetric'},
        }
    )
    set_detector_limit(config)
    assert config.test_evaluator.detector_limit == 30


def test_tta_keeps_the_models_limit_and_replaces_the_last_transform():
    load = {'type': 'LoadImageFromFile'}
    dataset = {
        'type': 'CocoDataset',
        'pipeline': [load, {'type': 'PackDetInputs'}],
    }
    config = Config({'model': MODEL, 'test_dataloader': {'dataset': dataset}})
    enable_tta(config)
    assert config.model.type == 'DetTTAModel'
    assert config.model.tta_cfg.max_per_img == 700
    assert config.model.module.type == 'MaskRCNN'
    kinds = [t.type for t in config.test_dataloader.dataset.pipeline]
    assert kinds == ['LoadImageFromFile', 'TestTimeAug']


def test_tta_refuses_masks():
    model = {'roi_head': {'mask_head': {'type': 'FCNMaskHead'}}}
    with pytest.raises(BadConfigError, match='boxes only'):
        enable_tta(Config({'model': model}))


def test_names_what_the_report_says():
    evaluators = [{'ann_file': 'a.json'}, {'type': 'DumpResults'}]
    assert ann_files_of(evaluators) == ['a.json']
    assert ann_files_of({'ann_file': 'b.json'}) == ['b.json']
    wrapped = {'type': 'RepeatDataset', 'dataset': {'type': 'CocoDataset'}}
    assert dataset_type_of(wrapped) == 'CocoDataset'


def test_file_of_a_url_is_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    assert local_file_of('weights.pth') == 'weights.pth'
    found = local_file_of('https://example.org/models/r50-1234.pth?x=1')
    assert found == str(tmp_path / 'hub' / 'checkpoints' / 'r50-1234.pth')
