"""tools/make_mini_data.py, on archives of a few files."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def png(shape: tuple[int, ...], value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full(shape, value, np.uint8)).save(file, 'PNG')
    return file.getvalue()


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / 'archives'
    folder.mkdir()
    content = {
        'coco_mini.zip': {'annotations/instances_train.json': b'{}'},
        'cells_unlabelled.zip': {'wbc1/a.png': png((8, 8), 7)},
        'bbbc038_stage1_train.zip': {
            'aa/images/aa.png': png((8, 8, 3), 90),
            'aa/masks/0.png': png((8, 8), 255),
        },
    }
    for name, files in content.items():
        with zipfile.ZipFile(folder / name, 'w') as archive:
            for path, data in files.items():
                archive.writestr(path, data)
    return folder


@pytest.fixture
def tool(load_tool):
    return load_tool('make_mini_data')


def test_the_three_sets_are_made_once(tool, source, tmp_path, capfd):
    data = tmp_path / 'data'
    arguments = [str(data), '--source', str(source)]
    assert tool.main(arguments) == 0
    assert (data / 'coco_mini/annotations/instances_train.json').is_file()
    assert (data / 'cells/wbc1/a.png').is_file()
    annotations = data / 'bbbc038/annotations/instances.json'
    (nucleus,) = json.loads(annotations.read_text())['annotations']
    assert nucleus['area'] == 64
    assert capfd.readouterr().out.count('1 files written') == 2
    assert tool.main(arguments) == 0
    assert capfd.readouterr().out.count('0 files written') == 2


def test_no_archives_is_one_line(tool, tmp_path, capsys):
    folder = tmp_path / 'none'
    with pytest.raises(SystemExit) as stopped:
        tool.main([str(tmp_path / 'data'), '--source', str(folder)])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(folder / 'coco_mini.zip') in line
    assert '--source' in line
    assert not (tmp_path / 'data').exists()


def test_a_broken_archive_is_named(tool, source, tmp_path, capfd):
    (source / 'cells_unlabelled.zip').write_bytes(b'not a zip')
    with pytest.raises(SystemExit) as stopped:
        tool.main([str(tmp_path / 'data'), '--source', str(source)])
    assert stopped.value.code == 2
    lines = capfd.readouterr().err
    assert 'cells_unlabelled.zip' in lines
    assert 'unpack.py failed with exit code 2' in lines
