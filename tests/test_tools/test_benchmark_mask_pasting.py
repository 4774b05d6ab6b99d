"""tools/analysis/benchmark_mask_pasting.py at a very small size."""

import json

import pytest
import torch

SMALL = ['--instances', '12', '--size', '40', '52', '--repeats', '1']


@pytest.fixture
def benchmark(load_tool, monkeypatch):
    """The tool, measuring in this process: mmdet is imported once."""
    tool = load_tool('analysis/benchmark_mask_pasting')
    monkeypatch.setattr(tool, 'measure', tool.measure_here)
    return tool


def test_both_sides_are_measured_on_the_same_predictions(
    benchmark, tmp_path, capsys
):
    out = tmp_path / 'figures.json'
    figures = benchmark.main([*SMALL, '--out', str(out)])
    assert json.loads(out.read_text()) == figures
    stock, rle = figures['sides']['stock'], figures['sides']['rle']
    assert stock['digest'] == rle['digest']
    for side in (stock, rle):
        assert 0 < side['seconds'] <= side['until_coded']
        assert side['peak_mib'] >= 0
        assert side['gpu_mib'] is None
    shown = capsys.readouterr().out
    assert '12 instances at 40 x 52 px on cpu' in shown
    assert '| peak host memory | ' in shown
    assert 'GPU memory' not in shown
    assert 'The masks are equal.' in shown


def test_boxes_lie_in_the_image_and_masks_are_in_part_set(benchmark):
    args = benchmark.parse_args(['--instances', '200'])
    logits, boxes = benchmark.random_predictions(args)
    assert logits.shape == (200, 1, 28, 28)
    assert 0.2 < (logits > 0).float().mean() < 0.8
    assert boxes.min() >= 0
    assert (boxes[:, 2:] >= boxes[:, :2]).all()
    assert (boxes[:, 2:] <= torch.tensor([704, 520])).all()
    sides = boxes[:, 2] - boxes[:, 0]
    assert 15 < sides.median() < 25


def test_sides_that_differ_are_refused(benchmark, monkeypatch, capsys):
    measure = benchmark.measure

    def differ(args, side):
        return {**measure(args, side), 'digest': side}

    monkeypatch.setattr(benchmark, 'measure', differ)
    with pytest.raises(SystemExit) as caught:
        benchmark.main(SMALL)
    assert caught.value.code == 2
    assert 'gave different masks' in capsys.readouterr().err


@pytest.mark.parametrize(
    'arguments',
    [['--instances', '0'], ['--size', '0', '5'], ['--repeats', '-1']],
)
def test_arguments_that_make_no_sense_are_refused(benchmark, arguments):
    with pytest.raises(SystemExit) as caught:
        benchmark.parse_args(arguments)
    assert caught.value.code == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_gpu_that_is_not_there_is_one_line(benchmark, capsys):
    with pytest.raises(SystemExit) as caught:
        benchmark.main(['--device', 'cuda'])
    assert caught.value.code == 2
    assert '--device cpu' in capsys.readouterr().err


@pytest.mark.slow
def test_each_side_is_measured_in_a_process_of_its_own(load_tool, tmp_path):
    tool = load_tool('analysis/benchmark_mask_pasting')
    figures = tool.main(['--instances', '300', '--repeats', '1'])
    stock, rle = figures['sides']['stock'], figures['sides']['rle']
    # 300 images of 520 x 704 bytes are 105 MiB.
    assert stock['peak_mib'] > 100
    assert rle['peak_mib'] < stock['peak_mib'] / 2
