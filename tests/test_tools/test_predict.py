import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tifffile

from cupre_mm.apis.output_lock import locked_folder
from cupre_mm.utils.errors import BadConfigError
from tests.checkout import ROOT
from tests.stub_segmenter import (
    StubSegmenter,
    files_below,
    spots,
    write_image,
)


@pytest.fixture
def tool(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    return load_tool('predict')


@pytest.fixture
def checkpoint(tiny_config: Path, tmp_path: Path) -> Path:
    """Random weights of the tiny model."""
    import torch
    from mmdet.registry import MODELS
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(tiny_config).model)
    path = tmp_path / 'tiny.pth'
    meta = {'dataset_meta': {'classes': ('cell',)}}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / 'cells'
    write_image(folder / 'a.png', spots(0, (64, 64)))
    write_image(folder / 'b.jpg', spots(1, (64, 64)))
    write_image(folder / 'sub' / 'c.bmp', spots(2, (48, 64)))
    return folder


@pytest.fixture
def plain(tmp_path: Path) -> list[str]:
    """A config and a checkpoint that no network is made of."""
    (tmp_path / 'config.py').write_text('model = dict()')
    (tmp_path / 'weights.pth').write_bytes(b'weights')
    return [str(tmp_path / 'config.py'), str(tmp_path / 'weights.pth')]


@pytest.fixture
def stub(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> StubSegmenter:
    """Stands in for the network."""
    segmenter = StubSegmenter()
    monkeypatch.setattr(tool, '_load_segmenter', lambda *args: segmenter)
    return segmenter


def test_a_real_network_gives_equal_results_twice(
    tool, tiny_config, checkpoint, folder, tmp_path, capsys
):
    command = [
        *(str(tiny_config), str(checkpoint), str(folder)),
        *('--outputs', 'label', 'csv', 'coco', '--score-thr', '0'),
        *('--device', 'cpu', '--workers', '0'),
    ]
    first, second = tmp_path / 'first', tmp_path / 'second'
    assert tool.main([*command[:3], str(first), *command[3:]]) == 0
    assert tool.main([*command[:3], str(second), *command[3:]]) == 0
    summary = json.loads((first / 'run_summary.json').read_text())
    assert summary['finished']
    assert summary['images'] == 3
    assert summary['cells'] > 0
    assert summary['settings']['options']['score_thr'] == 0
    assert 'cells in 3 images' in capsys.readouterr().out
    one, other = files_below(first), files_below(second)
    for content in (one, other):
        content.pop('run_summary.json')
        content.pop('run_summary.md')
    assert one == other
    for result in summary['results']:
        labels = tifffile.imread(first / result['outputs']['label'])
        assert labels.shape == (result['height'], result['width'])
        assert len(np.unique(labels)) == result['cells'] + 1
    # In one pass of the network, the images of one size have the same cells.
    together = tmp_path / 'together'
    batch = [*command[:3], str(together), *command[3:], '--batch-size', '2']
    assert tool.main(batch) == 0
    for name in ('a', 'b', 'sub/c'):
        alone = tifffile.imread(first / 'label' / f'{name}.tif')
        batched = tifffile.imread(together / 'label' / f'{name}.tif')
        assert np.mean(alone != batched) < 0.01


def test_a_checkpoint_of_another_model(
    tool, tiny_config, checkpoint, folder, tmp_path, capsys
):
    changed = 'model.neck.out_channels=16'
    code = tool.main(
        [
            *(str(tiny_config), str(checkpoint), str(folder)),
            *(str(tmp_path / 'out'), '--workers', '0'),
            *('--cfg-options', changed),
        ]
    )
    assert code == 2
    assert str(checkpoint) in capsys.readouterr().err
    assert not (tmp_path / 'out' / 'run_summary.json').exists()


def test_failures_are_told_at_the_end(
    tool, plain, stub, folder, tmp_path, capsys
):
    (folder / 'text.tif').write_text('no image')
    out = tmp_path / 'out'
    assert tool.main([*plain, str(folder), str(out), '--workers', '0']) == 1
    captured = capsys.readouterr()
    assert f'{folder / "text.tif"}: cannot be read' in captured.err
    summary = json.loads((out / 'run_summary.json').read_text())
    assert list(summary['failures']) == ['text.tif']
    assert 'text.tif' in (out / 'run_summary.md').read_text()
    assert (out / 'montage.png').is_file()
    assert summary['images'] == 3
    (folder / 'text.tif').unlink()
    assert tool.main([*plain, str(folder), str(out), '--workers', '0']) == 0
    summary = json.loads((out / 'run_summary.json').read_text())
    assert not summary['failures']
    assert summary['this_run']['images'] == 0


def test_an_interrupted_run_leaves_no_summary(
    tool, plain, stub, folder, tmp_path, monkeypatch, capsys
):
    command = [*plain, str(folder), str(tmp_path / 'out'), '--workers', '0']
    assert tool.main(command) == 0
    segment = stub.segment_source

    def interrupted(source, progress=False):
        if source.name.endswith('b.jpg'):
            raise KeyboardInterrupt
        return segment(source)

    monkeypatch.setattr(stub, 'segment_source', interrupted)
    assert tool.main([*command, '--force']) == 130
    assert 'goes on from here' in capsys.readouterr().err
    assert not (tmp_path / 'out' / 'run_summary.json').exists()
    monkeypatch.undo()


@pytest.mark.parametrize(
    ('inputs', 'names'),
    [
        (['cells/a.png'], ['a.png']),
        (['cells/*.*'], ['a.png', 'b.jpg']),
        (['cells/sub', 'cells/a.png'], ['a.png', 'sub/c.bmp']),
        (['list.txt'], ['cells/a.png', 'cells/sub/c.bmp']),
        (['cells', 'cells/sub'], ['a.png', 'b.jpg', 'sub/c.bmp']),
    ],
)
def test_files_patterns_lists_and_several_of_them(
    tool, plain, stub, folder, tmp_path, monkeypatch, inputs, names
):
    monkeypatch.chdir(tmp_path)
    Path('list.txt').write_text('cells/a.png\ncells/sub/c.bmp\n')
    assert tool.main([*plain, *inputs, 'out', '--workers', '0']) == 0
    summary = json.loads(Path('out/run_summary.json').read_text())
    assert [one['image'] for one in summary['results']] == names


def test_one_channel_of_one_plane(tool, plain, stub, tmp_path):
    planes = np.zeros((3, 2, 24, 32), np.uint16)
    planes[1, 1] = spots(4)
    write_image(
        tmp_path / 'cells' / 's.ome.tif',
        planes,
        ome=True,
        metadata={'axes': 'ZCYX'},
    )
    command = [*plain, str(tmp_path / 'cells'), str(tmp_path / 'out')]
    assert tool.main([*command, '--workers', '0']) == 1
    chosen = ['--z', 'max', '--channel', '1', '--workers', '0']
    assert tool.main([*command, *chosen]) == 0
    found = tifffile.imread(tmp_path / 'out' / 'label' / 's.ome.tif')
    np.testing.assert_array_equal(found > 0, spots(4) > 100)


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({0: 'no_such.py'}, 'config file no_such.py does not exist'),
        ({1: 'no_such.pth'}, 'checkpoint no_such.pth does not exist'),
        ({2: 'no_such_folder'}, 'no such file or folder'),
        ({2: 'nothing'}, 'no image file'),
        ({3: 'cells'}, 'folder of the images'),
        ({4: '--outputs', 5: 'jpeg'}, 'jpeg'),
        ({4: '--score-thr', 5: '2'}, 'score_thr=2'),
        ({4: '--min-area', 5: '-1'}, 'min_area=-1'),
        ({4: '--z', 5: 'best'}, "z='best'"),
        ({4: '--tile', 5: '64'}, 'tile=64'),
        ({4: '--cfg-options', 5: 'a..b=1'}, 'a..b'),
        ({4: '--no-exec'}, 'json'),
    ],
)
def test_mistakes_are_told_in_one_line(
    tool, plain, folder, tmp_path, monkeypatch, capsys, changes, reason
):
    monkeypatch.chdir(tmp_path)
    Path('nothing').mkdir()
    command = dict(enumerate([*plain, 'cells', 'out'])) | changes
    before = files_below(folder)
    assert tool.main([command[i] for i in sorted(command)]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.startswith('error: ')
    assert 'Traceback' not in error
    assert not Path('out').exists()
    assert files_below(folder) == before


def test_mistakes_are_told_before_the_network_is_imported(plain, tmp_path):
    script = (
        'import runpy, sys\n'
        f'sys.argv = ["predict.py", *{plain!r}, "no_folder", "out"]\n'
        'try:\n'
        '    runpy.run_path("tools/predict.py", run_name="__main__")\n'
        'except SystemExit as end:\n'
        '    assert end.code == 2, end.code\n'
        'loaded = {"torch", "mmdet", "mmcv"} & set(sys.modules)\n'
        'assert not loaded, loaded\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', script],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 'no such file or folder' in done.stderr


def test_what_a_setting_has_wrong_ends_the_run(
    tool, plain, stub, folder, tmp_path, monkeypatch, capsys
):
    def refuse(source, progress=False):
        raise BadConfigError('no diameter')

    monkeypatch.setattr(stub, 'segment_source', refuse)
    command = [*plain, str(folder), str(tmp_path / 'out'), '--workers', '0']
    assert tool.main(command) == 2
    assert 'no diameter' in capsys.readouterr().err


def test_a_second_run_into_a_folder_in_use(
    tool, plain, stub, folder, tmp_path, capsys
):
    out = tmp_path / 'out'
    command = [*plain, str(folder), str(out), '--workers', '0']
    assert tool.main(command) == 0
    before = files_below(out)
    with locked_folder(out):
        assert tool.main([*command, '--force']) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('error: another run (process ')
    assert files_below(out) == before
    assert tool.main([*command, '--force']) == 0


def test_compressed_label_images_hold_the_same(
    tool, plain, stub, folder, tmp_path
):
    command = [*plain, str(folder), str(tmp_path / 'out'), '--workers', '0']
    label = tmp_path / 'out' / 'label' / 'a.tif'
    assert tool.main(command) == 0
    expected, size = tifffile.imread(label), label.stat().st_size
    assert tool.main([*command, '--compress']) == 0
    np.testing.assert_array_equal(tifffile.imread(label), expected)
    assert label.stat().st_size < size / 2
    summary = json.loads((tmp_path / 'out' / 'run_summary.json').read_text())
    assert summary['settings']['compress']
    assert summary['this_run']['images'] == 3


def test_where_nothing_could_be_segmented_no_results_are_named(
    tool, plain, stub, tmp_path, capsys
):
    (tmp_path / 'cells').mkdir()
    (tmp_path / 'cells' / 'text.tif').write_text('no image')
    command = [*plain, str(tmp_path / 'cells'), str(tmp_path / 'out')]
    assert tool.main([*command, '--workers', '0']) == 1
    told = capsys.readouterr()
    assert str(tmp_path / 'out' / 'label') not in told.out
    assert '1 image(s) could not be segmented, 0 are done' in told.err
