"""tools/analysis/benchmark_pair.py at its smallest size."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = ['--batch-size', '1', '--image-size', '64', '96', '--views', '5']
SMALL += ['--view-size', '32', '--repeats', '1', '--warmup', '1']


@pytest.fixture(scope='module')
def benchmark():
    spec = importlib.util.spec_from_file_location(
        'benchmark_pair', ROOT / 'tools' / 'analysis' / 'benchmark_pair.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_sides_do_the_same_work_and_the_figures_are_written(
    benchmark, tmp_path, capsys
):
    path = tmp_path / 'out' / 'pair.json'
    summary = benchmark.main([*SMALL, '--out', str(path)])
    assert json.loads(path.read_text()) == json.loads(json.dumps(summary))
    # Losses of both tasks, with the same weights, batch and drawn RoIs.
    assert summary['loss_difference'] < 1e-5
    assert summary['same_work'] is True
    assert summary['ratio']['median'] > 0
    assert summary['met'] is (summary['ratio']['median'] <= 1.05)
    assert summary['sizes'] == dict(
        images=1, image_size=(64, 96), views=5, view_size=32
    )
    # 768 cut to a multiple of 5, which stock MoCo needs.
    assert summary['queue'] == 765
    assert summary['peak_memory'] is None
    assert set(summary['seconds']) == {'pair', 'moco', 'det', 'moco + det'}
    for values in summary['samples']['seconds'].values():
        assert len(values) == 1
        assert values[0] > 0
    shown = capsys.readouterr().out
    assert '| AMT2 pair ' in shown
    assert '| ratio pair / both ' in shown
    assert f'Figures: {path}' in shown


def test_sizes_are_those_of_the_config(benchmark):
    for name, sizes in {
        'configs/mini/amt2_mini.py': (4, (256, 256), 32, 96),
        'configs/amt2.py': (2, (800, 1333), 32, 224),
    }.items():
        args = benchmark.parse_args(['--config', str(ROOT / name)])
        found = benchmark.read_sizes(benchmark.read_config(args), args)
        assert found == benchmark.BatchSizes(*sizes)


def test_flags_come_before_the_config(benchmark):
    args = benchmark.parse_args(SMALL)
    found = benchmark.read_sizes(benchmark.read_config(args), args)
    assert found == benchmark.BatchSizes(1, (64, 96), 5, 32)


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['--config', 'none.py'], 'none.py does not exist'),
        (
            ['--config', str(ROOT / 'configs/mini/coco_mini.py')],
            'train_dataloader of both tasks',
        ),
        (
            [
                '--config',
                str(ROOT / 'configs/ablations/amt2_two-optimizers.py'),
            ],
            'optim_wrapper must be one',
        ),
        (['--amp'], '--amp needs --device cuda'),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    benchmark, capsys, arguments, reason
):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main([*SMALL, *arguments])
    assert stopped.value.code == 2
    assert reason in capsys.readouterr().err


def test_cuda_without_a_gpu_is_one_line(benchmark, capsys, monkeypatch):
    monkeypatch.setattr(benchmark.torch.cuda, 'is_available', lambda: False)
    with pytest.raises(SystemExit):
        benchmark.main([*SMALL, '--device', 'cuda'])
    assert 'finds no GPU' in capsys.readouterr().err


@pytest.mark.parametrize(
    'arguments', [['--repeats', '0'], ['--image-size', '1', '2', '3']]
)
def test_bad_numbers_are_refused(benchmark, capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        benchmark.parse_args(arguments)
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.gpu
def test_gpu_run_has_memory_and_speed(benchmark, tmp_path):
    summary = benchmark.main([*SMALL, '--device', 'cuda', '--amp'])
    assert summary['same_work'] is True
    for peak in summary['peak_memory'].values():
        assert peak > 2**20
