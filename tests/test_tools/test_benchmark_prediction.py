import sys
from pathlib import Path

import pytest

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


def test_table_gives_ratios_and_failures(load_tool):
    tool = load_tool('analysis/benchmark_prediction')
    one = dict(
        images_per_second=2.0,
        cpu_seconds=[1.0],
        peak_mib=100.0,
        detections=5,
        bbox_mAP=0.5,
        segm_mAP=0.25,
    )
    figures = {
        tool.OURS: one,
        tool.MMDET: {
            **one,
            'images_per_second': 0.5,
            'cpu_seconds': [3.0, 3.0],
            'peak_mib': 250.0,
        },
        tool.SAHI: dict(failure='took more than 1 GiB'),
    }
    table = tool.table(figures)
    assert (
        '| DetInferencer | 0.500 | 4.00 x | 3.00 x | 250 MiB | 2.50 x |'
        in table
    )
    assert 'SAHI | took more than 1 GiB' in table


def test_missing_checkpoint_is_told(load_tool, capsys):
    tool = load_tool('analysis/benchmark_prediction')
    with pytest.raises(SystemExit) as error:
        tool.main([str(CONFIG), 'none.pth'])
    assert error.value.code == 2
    assert 'none.pth does not exist' in capsys.readouterr().err
