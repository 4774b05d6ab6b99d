"""SyncStatisticsHook on one process; on two it is in test_distributed.py."""

import torch
from mmengine.runner import get_priority

from cupre_mm.engine.hooks import SyncStatisticsHook
from cupre_mm.engine.hooks.sync_statistics_hook import _differing_statistics
from tests.tiny_amt2 import build_model, changed, run_config, train


def test_one_process_trains_the_same_with_and_without(demo_data, tmp_path):
    hook = [dict(type='cupre_mm.SyncStatisticsHook')]
    states = [
        train(
            run_config(
                demo_data,
                tmp_path / name,
                {'custom_hooks': hooks, 'train_cfg.max_iters': 1},
            )
        )[0].model.state_dict()
        for name, hooks in (('with', hook), ('without', []))
    ]
    assert not changed(*states)


def test_layers_that_cannot_differ_are_left_out():
    model = build_model().train()
    every = len(_differing_statistics(model))
    layers = [
        layer
        for layer in model.modules()
        if isinstance(layer, torch.nn.BatchNorm2d)
    ]
    assert every == 3 * len(layers) > 0
    layers[0].eval()
    assert len(_differing_statistics(model)) == every - 3
    synced = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert _differing_statistics(synced) == []


def test_runs_before_hooks_that_average_or_save():
    priority = SyncStatisticsHook().priority
    assert get_priority(priority) < get_priority('NORMAL')
