"""tools/analysis/benchmark_dense.py with a tiny detector on a small image."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from cupre_mm.utils.dense_benchmark.measured_step import with_stock_parts
from tests.tiny_amt2 import detector_config

SMALL = ['--instances', '30', '--size', '64', '96']


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A tiny detector with all chunked parts, smaller than 30 cells."""
    model = detector_config()
    model.roi_head.type = 'cupre_mm.ChunkedCascadeRoIHead'
    model.roi_head.chunk_size = 7
    model.roi_head.mask_head.type = 'cupre_mm.RLEMaskHead'
    model.roi_head.mask_head.target_chunk_size = 3
    model.rpn_head.anchor_generator.scales = [2]
    model.test_cfg.rpn.max_per_img = 30
    for stage in (model.train_cfg.rpn, *model.train_cfg.rcnn):
        stage.assigner.type = 'cupre_mm.ChunkedMaxIoUAssigner'
        stage.assigner.chunk_size = 4
    path = tmp_path / 'tiny.py'
    Config(dict(model=model)).dump(path)
    return str(path)


@pytest.fixture
def benchmark(load_tool, monkeypatch, tmp_path):
    """The tool, measuring in this process: mmdet is imported once."""
    tool = load_tool('analysis/benchmark_dense')

    def here(args, step, side):
        tool.measure_here(args, step, side, str(tmp_path / 'result.pth'))
        return torch.load(tmp_path / 'result.pth', weights_only=True)

    monkeypatch.setattr(tool, 'measure', here)
    return tool


def test_both_steps_give_the_same_with_and_without_chunks(
    benchmark, config, tmp_path, capsys
):
    out = tmp_path / 'figures.json'
    figures = benchmark.main([*SMALL, '--config', config, '--out', str(out)])
    assert json.loads(out.read_text()) == figures
    for step in ('train', 'test'):
        measured = figures['steps'][step]
        for side in ('stock', 'chunked'):
            assert measured[side]['peak_mib'] >= measured[side]['before_mib']
            assert measured[side]['step_seconds'] > 0
    assert figures['steps']['train']['difference']['equal']
    assert figures['steps']['test']['difference']['largest'] < 1e-4
    shown = capsys.readouterr().out
    assert '30 cells on 64 x 96 px' in shown
    assert '| test | peak memory | ' in shown


def test_stock_can_be_left_out(benchmark, config, capsys):
    arguments = ['--steps', 'test', '--skip-stock', '--config', config]
    figures = benchmark.main([*SMALL, *arguments])
    assert set(figures['steps']['test']) == {'chunked'}
    assert 'Difference' not in capsys.readouterr().out


def test_stock_parts_are_those_of_mmdet(benchmark):
    model = Config.fromfile(benchmark.CONFIG).model
    assert 'cupre_mm.Chunked' in str(model)
    stock = with_stock_parts(model)
    assert 'cupre_mm.Chunked' not in str(stock)
    assert "'chunk_size'" not in str(stock)
    assert stock.train_cfg.rpn.assigner.type == 'MaxIoUAssigner'
    assert stock.roi_head.type == 'CascadeRoIHead'
    assert stock.roi_head.mask_head.target_chunk_size > 1e6
    # What is not replaced stays, and the given config does too.
    assert stock.backbone == model.backbone
    assert 'cupre_mm.Chunked' in str(model)


def test_image_is_full_of_cells_inside_it(benchmark):
    sample = benchmark.dense_image(500, (130, 176), seed=0)
    boxes = np.array([each['bbox'] for each in sample['instances']])
    assert boxes.shape == (500, 4)
    assert (boxes >= 0).all()
    assert (boxes <= [175, 129, 175, 129]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert len(np.unique(boxes, axis=0)) == 500
    cells = (sample['img'] >= 120).all(axis=2)
    assert cells.mean() > 0.5


def test_difference_is_seen(benchmark):
    codes = [{'counts': b'a'}, {'counts': b'b'}]
    one = dict(scores=torch.tensor([0.5, 2.0]), masks=codes)
    assert benchmark.difference(one, one)['equal']
    other = dict(scores=torch.tensor([0.5, 1.0]), masks=codes[::-1])
    found = benchmark.difference(one, other)
    assert found == dict(equal=False, largest=0.5, masks=2)
    fewer = dict(scores=torch.tensor([0.5]), masks=codes[:1])
    assert benchmark.difference(one, fewer)['largest'] == float('inf')
    assert benchmark.difference(one, fewer)['masks'] == 1


def test_missing_config_is_named(benchmark, capsys):
    with pytest.raises(SystemExit) as caught:
        benchmark.main(['--config', 'nowhere.py'])
    assert caught.value.code == 2
    assert 'nowhere.py' in capsys.readouterr().err


@pytest.mark.slow
def test_chunks_take_a_fraction_of_the_memory(load_tool, config):
    tool = load_tool('analysis/benchmark_dense')
    # 700 cells and 16,000 anchors: mmdet compares them in 450 MiB.
    arguments = ['--instances', '700', '--size', '256', '256']
    figures = tool.main([*arguments, '--steps', 'train', '--config', config])
    taken = {
        side: measured['peak_mib'] - measured['before_mib']
        for side, measured in figures['steps']['train'].items()
        if side != 'difference'
    }
    assert figures['steps']['train']['difference']['equal']
    assert taken['chunked'] < 0.5 * taken['stock']
