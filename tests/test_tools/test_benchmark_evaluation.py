"""tools/analysis/benchmark_evaluation.py at a very small size."""

import json

import numpy as np
import pytest

from cupre_mm.utils.evaluation_benchmark.measured_evaluation import (
    measure_here,
)
from tools.analysis import benchmark_evaluation as tool


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    """mmdet is imported once."""
    monkeypatch.setattr(tool, 'measure', measure_here)


ARGUMENTS = ['--fraction', '0.002', '--most', '400', '--sample', '2']


def test_the_whole_set_and_the_sample_are_measured(tmp_path, capsys):
    out, folder = tmp_path / 'figures.json', tmp_path / 'files'
    figures = tool.main(
        [*ARGUMENTS, '--out', str(out), '--folder', str(folder)]
    )
    assert json.loads(out.read_text()) == figures
    assert (figures['num_images'], figures['num_instances']) == (3, 920)
    assert figures['most_instances'] == 400
    whole, sample = figures['whole'], figures['sample']
    assert whole['num_predictions'] == 920
    assert 'cells_mean_accuracy' in whole['scores']
    assert whole['total'] > whole['score'] > 0
    assert sample['num_images'] == 2
    shown = capsys.readouterr().out
    assert '3 images, 920 instances, at most 400 an image' in shown
    assert '| CellMetric, boxes and masks and cell scores | |' in shown
    assert '| pycocotools, as it prints it | ' in shown
    assert 'differ by 0.0e+00 at most' in shown
    # The generated ground truth is gone.
    assert list(folder.iterdir()) == []


def test_parts_can_be_left_out(capsys):
    figures = tool.main(
        ['--fraction', '0.0007', '--sample', '0', '--no-cell-scores']
    )
    assert 'sample' not in figures
    assert 'cells_mean_accuracy' not in figures['whole']['scores']
    shown = capsys.readouterr().out
    assert 'pycocotools' not in shown
    assert 'cell scores' not in shown


def test_an_evaluator_that_was_killed_is_said(monkeypatch, capsys):
    monkeypatch.setattr(tool, 'measure', lambda evaluation: None)
    figures = tool.main(ARGUMENTS)
    assert figures['whole'] is None
    assert capsys.readouterr().out.count('killed: out of memory?') == 2


def test_the_sample_is_spread_over_the_densities():
    counts = np.array([50, 10, 40, 20, 30, 60, 70, 80])
    chosen = tool.sample_images(counts, 4)
    assert counts[list(chosen)].tolist() == [20, 40, 60, 80]
    assert len(tool.sample_images(counts, 99)) == 8


@pytest.mark.parametrize(
    'arguments',
    [
        ['--fraction', '0'],
        ['--sample', '-1'],
        ['--batch-size', '0'],
        ['--most', '200'],
        ['--most', '4000'],
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments):
    with pytest.raises(SystemExit) as caught:
        tool.parse_args(arguments)
    assert caught.value.code == 2
