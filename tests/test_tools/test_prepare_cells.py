import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'prepare_cells.py'


def _load():
    spec = importlib.util.spec_from_file_location('prepare_cells_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()
RNG = np.random.default_rng(0)
STACK = RNG.integers(900, 1300, (4, 2, 40, 50), np.uint16)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / 'mine'
    folder.mkdir()
    tifffile.imwrite(
        folder / 'stack.tif', STACK, imagej=True, metadata={'axes': 'ZCYX'}
    )
    Image.fromarray(RNG.integers(0, 256, (30, 40, 3), np.uint8)).save(
        folder / 'photo.jpg'
    )
    return folder


def run(raw: Path, out: Path, *args: str) -> int:
    return tool.main([str(raw), str(out), '--workers', '1', *args])


def names_in(out: Path) -> list[str]:
    return sorted(
        path.relative_to(out).as_posix() for path in out.rglob('*.png')
    )


def test_by_default_every_plane_is_written_and_counted(raw, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run(raw, out) == 0
    assert names_in(out) == [
        'mine/photo.jpg.png',
        *(f'mine/stack.tif_z{z:03d}_c{c}.png' for z in range(4) for c in '01'),
    ]
    printed = capsys.readouterr().out
    assert '1 files that hold more than one plane or channel' in printed
    assert '9 images written' in printed
    assert 'preparation_report.json has every file' in printed


@pytest.mark.parametrize(
    ('args', 'names'),
    [
        (['--z', 'max', '--channel', '1'], ['stack.tif.png']),
        (['--z', '2', '--merge-channels', '1,0'], ['stack.tif.png']),
        (['--z', 'mean'], ['stack.tif_c0.png', 'stack.tif_c1.png']),
    ],
)
def test_stacks_are_projected_and_chosen_by_option(raw, tmp_path, args, names):
    (raw / 'photo.jpg').unlink()
    assert run(raw, tmp_path / 'out', *args) == 0
    assert names_in(tmp_path / 'out') == [f'mine/{name}' for name in names]


def _options(*args: str):
    return tool.options_from(tool.parse_args(['src', 'out', *args]))


def test_options_reach_the_preparation():
    options = _options(
        *('--t', 'middle', '--page', '3', '--series', 'split'),
        *('--range', '0', '4095', '--bits', '16', '--tile-size', '512'),
        *('--tile-above', '2000', '--tile-overlap', '64'),
    )
    assert (options.selection.t, options.selection.page) == ('middle', 3)
    assert (options.series, options.bits) == ('split', 16)
    assert (options.normalize, options.value_range) == ('range', (0, 4095))
    assert (options.tile_size, options.tile_above) == (512, 2000)
    assert options.tile_overlap == 64
    stretched = _options(
        '--percentiles', '0', '99', '--percentiles-of', 'stack'
    )
    assert stretched.percentiles == (0, 99)
    assert stretched.percentiles_of == 'stack'
    assert _options('--normalize', 'none').normalize == 'none'


def test_defaults_are_those_of_training():
    from inspect import signature

    from cupre_mm.datasets.transforms import PercentileNormalize

    defaults = signature(PercentileNormalize).parameters
    assert _options().percentiles == (
        defaults['low'].default,
        defaults['high'].default,
    )


def _truncated(path: Path) -> None:
    tifffile.imwrite(path, STACK[0, 0])
    path.write_bytes(path.read_bytes()[:1500])


def _empty(path: Path) -> None:
    path.write_bytes(b'')


def _text(path: Path) -> None:
    path.write_text('not an image')


def _damaged(path: Path) -> None:
    tifffile.imwrite(path, STACK[0, 0], compression='zlib')
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[0] + 100
    data = bytearray(path.read_bytes())
    data[start : start + 300] = b'\xff' * 300
    path.write_bytes(data)


def _complex(path: Path) -> None:
    tifffile.imwrite(path, STACK[0, 0].astype(np.complex64))


@pytest.mark.parametrize(
    'write', [_truncated, _empty, _text, _damaged, _complex]
)
def test_bad_files_are_named_and_the_others_done(raw, tmp_path, capsys, write):
    write(raw / 'bad.tif')
    out = tmp_path / 'out'
    assert run(raw, out) == 1
    printed = capsys.readouterr()
    assert f'{raw}/bad.tif: ' in printed.out
    assert '1 file(s) cannot be used; all others are done' in printed.err
    assert len(names_in(out)) == 9
    report = json.loads((out / 'preparation_report.json').read_bytes())
    assert 'bad.tif' in report['sources']['mine']['files']['bad.tif']['error']
    assert run(raw, out, '--allow-bad') == 0
    assert run(raw, out, '--exclude', 'bad.*') == 0


def test_label_images_are_warned_of_and_excluded(raw, tmp_path, capsys):
    labels = np.kron(np.arange(16).reshape(4, 4), np.ones((9, 9), int))
    tifffile.imwrite(raw / 'a_masks.tif', labels.astype(np.uint16))
    assert run(raw, tmp_path / 'out') == 0
    printed = capsys.readouterr().out
    assert '1 files that look like label images, kept' in printed
    assert 'a_masks.tif' in printed
    exclude = ['--exclude', '*_masks*', '--exclude', '*.gif']
    assert run(raw, tmp_path / 'out', *exclude) == 0
    printed = capsys.readouterr().out
    assert '1 files left out by --exclude' in printed
    assert "--exclude '*.gif' leaves out no file" in printed
    assert '1 images of an earlier run removed' in printed


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['none', 'out'], 'no such file or folder'),
        (['.', 'out', '--workers', '0'], 'workers must be 1 or more'),
        (['.', 'out', '--z', 'minimum'], "z='minimum': give 'split'"),
        (['.', 'out', '--merge-channels', '1'], 'two or three of them'),
        (['.', 'out', '--percentiles', '9', '1'], '0 <= LOW < HIGH <= 100'),
        (['.', './out'], 'would be written within'),
    ],
)
def test_mistakes_are_one_line(raw, monkeypatch, capsys, args, message):
    monkeypatch.chdir(raw)
    if '/' not in args[1]:
        args = [args[0], str(raw.parent / args[1]), *args[2:]]
    assert tool.main(args) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert message in error


def test_ctrl_c_says_that_it_can_go_on(raw, tmp_path, monkeypatch, capsys):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(tool, 'prepare_corpus', interrupt)
    assert run(raw, tmp_path / 'out') == 130
    assert 'goes on from here' in capsys.readouterr().err


def test_the_output_is_a_source_of_cell_images(raw, tmp_path):
    from cupre_mm.datasets import CellImages

    out = tmp_path / 'out'
    assert run(raw, out) == 0
    dataset = CellImages(
        sources=[dict(name='mine', paths='mine')],
        data_root=str(out),
        pipeline=[dict(type='cupre_mm.LoadCellImage')],
    )
    assert len(dataset) == 9
    assert dataset[0]['img'].shape == (30, 40, 3)
    assert dataset[0]['img'].dtype == np.uint8
    assert len(CellImages(sources={'all': str(out)})) == 9


def test_a_killed_command_goes_on_and_gives_the_same(tmp_path):
    raw = tmp_path / 'many'
    raw.mkdir()
    for i in range(60):
        image = RNG.integers(0, 4000, (400, 400), np.uint16)
        tifffile.imwrite(raw / f'{i:02d}.tif', image, compression='zlib')
    out, journal = tmp_path / 'out', tmp_path / 'out' / '.preparation'
    command = [sys.executable, TOOL, raw, out, '--workers', '1']
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    lines = 0
    while process.poll() is None and lines < 5:
        time.sleep(0.005)
        file = journal / 'many.jsonl'
        lines = file.read_bytes().count(b'\n') if file.is_file() else 0
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 5 <= lines < 60
    assert run(raw, out) == 0
    assert run(raw, tmp_path / 'whole') == 0
    assert names_in(out) == names_in(tmp_path / 'whole')
    for name in names_in(out):
        whole = tmp_path / 'whole' / name
        assert (out / name).read_bytes() == whole.read_bytes()
    assert (out / 'preparation_report.json').read_bytes() == (
        tmp_path / 'whole' / 'preparation_report.json'
    ).read_bytes()
