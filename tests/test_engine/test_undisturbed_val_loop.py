import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from cupre_mm.evaluation.loss_curves import read_scalars, save_loss_curves
from tests.tiny_amt2 import ROOT, BatchRecorder, run_config, train


class ModeRecorder(Hook):
    """Notes the mode of every module before each iteration."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.after_validation: list[bool] = []
        self.random: list[tuple] = []

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        self.random.append(
            (
                torch.get_rng_state().tolist(),
                np.random.get_state()[1].tolist(),
                random.getstate(),
            )
        )

    def before_val(self, runner: Runner) -> None:
        # A metric or a pipeline may draw too.
        torch.rand(3)
        np.random.rand(3)
        random.random()

    def after_val(self, runner: Runner) -> None:
        self.after_validation.append(runner.model.backbone.bn1.training)


def with_validation(
    config: Config, data: Path, folder: Path, workers: int
) -> Config:
    """Add what configs/demo/amt2_watch-forgetting_demo.py adds.

    It validates on two images, after the second and the last iteration.
    """
    demo = Config.fromfile(ROOT / 'configs/demo/amt2_watch-forgetting_demo.py')
    natural = json.loads(
        (data / 'natural/annotations/instances_val.json').read_text()
    )
    natural['images'] = natural['images'][:2]
    kept = {image['id'] for image in natural['images']}
    natural['annotations'] = [
        one for one in natural['annotations'] if one['image_id'] in kept
    ]
    annotations = folder / 'two_images.json'
    annotations.write_text(json.dumps(natural))
    for name in ('val_dataloader', 'val_evaluator', 'val_cfg'):
        config[name] = demo[name]
    config.default_hooks.logger.update(demo.default_hooks.logger)
    config.train_cfg.val_interval = 2
    config.val_dataloader.num_workers = workers
    config.val_dataloader.dataset.update(
        data_root=str(data / 'natural'),
        ann_file=str(annotations),
        serialize_data=False,
    )
    config.val_evaluator.ann_file = str(annotations)
    return config


@pytest.fixture
def run(demo_data, tmp_path):
    def train_with(
        validated: bool, workers: int = 0, frozen: bool = False
    ) -> tuple[Runner, BatchRecorder, ModeRecorder]:
        config = run_config(
            demo_data,
            tmp_path / str(validated),
            {
                'train_cfg.max_iters': 3,
                'model.backbone.norm_eval': frozen,
            },
        )
        if validated:
            with_validation(config, demo_data, tmp_path, workers)
        modes = ModeRecorder()
        return *train(config, modes), modes

    return train_with


@pytest.mark.parametrize('frozen', [False, True], ids=['bn', 'frozen_bn'])
def test_weights_are_bit_identical_with_validation_and_without(run, frozen):
    plain, first, states = run(validated=False, frozen=frozen)
    watched, second, watched_states = run(validated=True, frozen=frozen)
    expected = plain.model.state_dict()
    for name, value in watched.model.state_dict().items():
        assert value.equal(expected[name]), name
    assert first.iterations == second.iterations
    assert states.random == watched_states.random
    assert len(watched_states.after_validation) == 2
    assert watched.model.backbone.bn1.training != frozen
    assert watched.model.rpn_head.training
    for parameter in watched.model.backbone.parameters():
        assert parameter.requires_grad


def test_average_precision_is_logged_under_a_clear_prefix(run, tmp_path):
    watched, *_ = run(validated=True, workers=1)
    records = [
        one
        for one in read_scalars(watched.work_dir)
        if 'coco/bbox_mAP' in one and 'coco/segm_mAP' in one
    ]
    assert [one['step'] for one in records] == [2, 3]
    picture = save_loss_curves(
        tmp_path / 'forgetting.png',
        {'AMT2': watched.work_dir},
        scalars=('coco/bbox_mAP', 'coco/segm_mAP'),
    )
    assert picture.stat().st_size > 1000
