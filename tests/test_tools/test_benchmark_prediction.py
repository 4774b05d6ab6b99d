import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from cupre_mm.utils.prediction_benchmark import measurement
from cupre_mm.utils.prediction_benchmark.predictor_process import (
    PredictorProcess,
)

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/mini/finetune_coco_mini.py'
FAKE = """
import sys
from pathlib import Path
from cupre_mm.utils.prediction_benchmark.predictor_process import serve
def load(settings):
    if settings['side'] == 'broken':
        raise ValueError('no such model')
    if settings['side'] == 'hungry':
        hoard = bytearray(2**31)
        hoard[::4096] = bytes([1]) * len(hoard[::4096])
    return lambda path: [path.name], lambda found: [dict(name=found[0])]
import json
serve(json.loads(sys.argv[-1]), load)
"""


def process(tmp_path, side, limit=4):
    settings = dict(
        side=side,
        paths={'7': 'a/b.png'},
        warm_up='c.png',
        results=str(tmp_path / 'found.json'),
        threads=1,
    )
    return PredictorProcess(
        [sys.executable, '-c', FAKE], settings, limit, tmp_path / 'log'
    )


def test_predictor_runs_when_told_and_gives_its_results(tmp_path):
    side = process(tmp_path, 'good')
    side.run()
    side.run()
    assert side.end() == {7: [{'name': 'b.png'}]}
    assert side.failure is None
    assert [one['seconds'] > 0 for one in side.rounds] == [True, True]
    assert side.rounds[1]['peak'] >= side.loaded > 0


def test_predictor_that_fails_tells_why(tmp_path):
    side = process(tmp_path, 'broken')
    side.run()
    assert side.end() == {}
    assert 'no such model' in side.failure
    assert side.rounds == []


def test_predictor_that_takes_too_much_is_stopped(tmp_path):
    side = process(tmp_path, 'hungry', limit=1.2)
    side.run()
    assert side.end() == {}
    assert side.failure == 'took more than 1.2 GiB'


def test_missing_checkpoint_is_told(load_tool, capsys):
    tool = load_tool('analysis/benchmark_prediction')
    with pytest.raises(SystemExit) as error:
        tool.main([str(CONFIG), 'none.pth'])
    assert error.value.code == 2
    assert 'none.pth does not exist' in capsys.readouterr().err


def test_without_a_checkpoint_the_stand_in_is_made_and_measured(
    load_tool, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    tool = load_tool('analysis/benchmark_prediction')
    seen = {}

    def measure(args, program, images, names, repeats, folder, warm_up):
        config = Config.fromfile(args.config)
        assert config.model.test_cfg.rcnn.max_per_img == 100
        weights = torch.load(args.checkpoint)['state_dict']
        assert 'roi_head.mask_head.0.conv_logits.weight' in weights
        assert args.score_thr == args.min_visible == 0
        assert Path(program).name == 'benchmark_prediction.py'
        assert warm_up.is_file()
        seen[tuple(names)] = (len(images.paths), images.instances > 20)
        return {name: dict(failure='not tried') for name in names}

    monkeypatch.setattr(measurement, 'measure', measure)
    with pytest.raises(SystemExit):
        tool.main([str(CONFIG), '--number', '3', '--mosaic', '300'])
    assert seen == {
        (tool.OURS, tool.MMDET): (3, True),
        (tool.OURS, tool.MMDET, tool.SAHI): (1, True),
    }
    printed = capsys.readouterr()
    assert 'random weights on generated images' in printed.out
    assert 'CellSegmenter on the images: not tried' in printed.err
