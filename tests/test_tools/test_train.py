"""tools/train.py on a real run of two iterations, and its one-line errors."""

from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from cupre_mm.utils import mixed_precision


@pytest.fixture
def train(load_tool):
    return load_tool('train').main


def fails_with(capsys, main, arguments: list) -> str:
    """Run a tool that must stop with code 2; give its only error line."""
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    assert stopped.value.code == 2
    written = capsys.readouterr().err
    lines = [line for line in written.splitlines() if 'error:' in line]
    assert 'Traceback' not in written
    assert len(lines) == 1
    return lines[0]


def built_runner(monkeypatch, train, arguments: list) -> Runner:
    """Run the tool up to the training itself."""
    runners = []
    monkeypatch.setattr(Runner, 'train', lambda self: runners.append(self))
    train([str(argument) for argument in arguments])
    return runners[0]


def test_trains_resumes_and_keeps_the_best(train, tiny_config, tmp_path):
    work_dir = tmp_path / 'work'
    arguments = [str(tiny_config), '--work-dir', str(work_dir), '--resume']
    train(arguments)
    assert list(work_dir.glob('best_coco_bbox_mAP_iter_*.pth'))
    longer = ['--cfg-options', 'train_cfg.max_iters=3']
    train([*arguments, *longer, 'default_hooks.checkpoint.interval=1'])
    assert (work_dir / 'iter_3.pth').is_file()
    # Started anew, it would have saved its first iteration too.
    assert not (work_dir / 'iter_1.pth').exists()


def test_resume_without_a_checkpoint_keeps_load_from(
    train, tiny_config, tmp_path, monkeypatch, capsys
):
    start = tmp_path / 'start.pth'
    torch.save({'state_dict': {'backbone.conv1.weight': 0}}, start)
    runner = built_runner(
        monkeypatch,
        train,
        [
            tiny_config,
            '--resume',
            '--work-dir',
            tmp_path / 'work',
            '--cfg-options',
            f'load_from={start}',
        ],
    )
    assert runner._resume is False
    assert runner._load_from == str(start)
    assert 'starting anew' in capsys.readouterr().out


def test_work_dir_is_named_after_the_config(
    train, tiny_config, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    runner = built_runner(monkeypatch, train, [tiny_config])
    assert Path(runner.work_dir) == tmp_path / 'work_dirs' / 'tiny'


def test_config_options_reach_the_run(
    train, tiny_config, tmp_path, monkeypatch
):
    runner = built_runner(
        monkeypatch,
        train,
        [
            tiny_config,
            '--work-dir',
            tmp_path,
            '--auto-scale-lr',
            '--cfg-options',
            'train_dataloader.batch_size=4',
        ],
    )
    assert runner.cfg.train_dataloader.batch_size == 4
    assert runner.cfg.auto_scale_lr.enable is True
    assert runner.cfg.val_evaluator.detector_limit == 5


def test_missing_config_is_one_line(train, tmp_path, capsys):
    line = fails_with(capsys, train, [tmp_path / 'none.py'])
    assert line.startswith('error: the config file ')
    assert 'none.py' in line


def test_config_with_a_syntax_error_is_one_line(train, tmp_path, capsys):
    path = tmp_path / 'bad.py'
    path.write_text('model = dict(')
    assert str(path) in fails_with(capsys, train, [path])


@pytest.mark.parametrize('missing', ['instances.json', 'images'])
def test_missing_data_is_one_line(
    train, tiny_config, tmp_path, capsys, missing
):
    (tmp_path / 'data' / missing).rename(tmp_path / 'elsewhere')
    line = fails_with(
        capsys, train, [tiny_config, '--work-dir', tmp_path / 'work']
    )
    assert str(tmp_path / 'data' / missing) in line
    assert 'data/README.md' in line
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize('flag', ['--resume', '--cfg-options'])
def test_missing_checkpoint_is_one_line(
    train, tiny_config, tmp_path, capsys, flag
):
    absent = tmp_path / 'none.pth'
    value = absent if flag == '--resume' else f'load_from={absent}'
    arguments = [tiny_config, '--work-dir', tmp_path, flag, value]
    assert 'none.pth' in fails_with(capsys, train, arguments)


def test_unreachable_checkpoint_url_is_one_line(
    train, tiny_config, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    # A port that nothing listens on answers at once, without a network.
    url = 'http://127.0.0.1:9/backbone.pth'
    options = ['--cfg-options', f'load_from={url}']
    line = fails_with(
        capsys, train, [tiny_config, '--work-dir', tmp_path, *options]
    )
    assert url in line


def test_checkpoint_that_fits_nothing_is_one_line(
    train, tiny_config, tmp_path, capsys
):
    other = tmp_path / 'other.pth'
    torch.save({'state_dict': {'encoder.weight': torch.zeros(3)}}, other)
    options = ['--cfg-options', f'load_from={other}']
    line = fails_with(
        capsys, train, [tiny_config, '--work-dir', tmp_path, *options]
    )
    assert 'no weight that fits the backbone' in line


def test_classes_that_match_nothing_stop_the_run_at_its_start(
    train, tiny_config, tmp_path, capsys
):
    classes = "val_dataloader.dataset.metainfo.classes=('nucleus',)"
    line = fails_with(
        capsys,
        train,
        [tiny_config, '--work-dir', tmp_path, '--cfg-options', classes],
    )
    assert "['nucleus']" in line
    assert "['cell']" in line


def test_auto_scale_lr_without_a_base_is_one_line(
    train, tiny_config, tmp_path, capsys
):
    tiny_config.write_text(tiny_config.read_text() + '\ndel auto_scale_lr\n')
    arguments = [tiny_config, '--work-dir', tmp_path, '--auto-scale-lr']
    line = fails_with(capsys, train, arguments)
    assert 'base_batch_size' in line


def test_amp_without_a_gpu_is_one_line(
    train, tiny_config, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(mixed_precision, 'get_device', lambda: 'cpu')
    arguments = [tiny_config, '--work-dir', tmp_path, '--amp']
    assert '--amp float16 needs a GPU' in fails_with(capsys, train, arguments)


def test_unexpected_errors_keep_their_trace(
    train, tiny_config, tmp_path, monkeypatch
):
    def broken(runner: Runner) -> None:
        raise ValueError('deep inside')

    monkeypatch.setattr(Runner, 'train', broken)
    with pytest.raises(ValueError, match='deep inside'):
        train([str(tiny_config), '--work-dir', str(tmp_path)])
