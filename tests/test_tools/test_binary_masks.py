import importlib.util
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools

ROOT = Path(__file__).resolve().parents[2]
CONVERTERS = ROOT / 'tools' / 'dataset_converters'


def _load(name):
    spec = importlib.util.spec_from_file_location(
        f'{name}_tool', CONVERTERS / f'{name}.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load('binary_masks')


def _mask(*boxes):
    mask = np.zeros((12, 16), np.uint8)
    for top, bottom, left, right in boxes:
        mask[top:bottom, left:right] = 255
    return mask


BOXES = {
    'a': [(1, 4, 1, 5), (6, 9, 6, 10)],
    'b': [(7, 11, 9, 13), (2, 5, 2, 6), (0, 1, 15, 16)],
    'c': [],
}


def _save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def files(tmp_path):
    """One mask file an object, a folder of them an image."""
    for name, boxes in BOXES.items():
        image = np.full((12, 16, 4), ord(name), np.uint8)
        _save(tmp_path / 'files' / 'images' / f'{name}.png', image)
        for number, box in enumerate(boxes):
            _save(
                tmp_path / 'files' / 'masks' / name / f'{number}.png',
                _mask(box),
            )
    return tmp_path / 'files'


@pytest.fixture
def whole(tmp_path):
    """One mask of all objects an image."""
    for name, boxes in BOXES.items():
        image = np.full((12, 16), ord(name), np.uint8)
        _save(tmp_path / 'whole' / f'{name}.png', image)
        _save(tmp_path / 'whole' / f'{name}_mask.png', _mask(*boxes))
    return tmp_path / 'whole'


def _run(source, out, *options):
    return tool.main([str(source), str(out), '--workers', '1', *options])


def _json(out):
    return json.loads((out / 'annotations' / 'instances.json').read_bytes())


def _decoded(out):
    return [
        (ann['image_id'], rle_tools.decode(ann['segmentation']).tolist())
        for ann in _json(out)['annotations']
    ]


def _expected(order):
    return [
        (image_id, (_mask(BOXES[name][place]) > 0).astype(int).tolist())
        for image_id, name, place in order
    ]


def test_each_file_is_an_object(files, tmp_path, capsys):
    out = tmp_path / 'out'
    assert _run(files, out, '--class-name', 'nucleus') == 0
    assert _decoded(out) == _expected(
        [(1, 'a', 0), (1, 'a', 1), (2, 'b', 0), (2, 'b', 1), (2, 'b', 2)]
    )
    assert _json(out)['categories'] == [{'id': 1, 'name': 'nucleus'}]
    assert Image.open(out / 'images' / 'a.png').mode == 'RGB'
    printed = capsys.readouterr().out
    assert '1 images without masks, kept: images/c.png' in printed
    assert 'wrote 3 images and 5 objects' in printed


def test_images_without_masks_are_left_out_or_refused(files, tmp_path, capsys):
    out = tmp_path / 'out'
    assert _run(files, out, '--unlabelled', 'skip') == 0
    assert len(_json(out)['images']) == 2
    assert '1 images without masks, left out: images/c.png' in (
        capsys.readouterr().out
    )
    assert _run(files, out, '--unlabelled', 'error') == 2
    assert '1 image(s) have no mask, first images/c.png' in (
        capsys.readouterr().err
    )


def test_each_component_is_an_object(whole, tmp_path, capsys):
    out = tmp_path / 'out'
    assert _run(whole, out, '--objects', 'components') == 0
    # In reading order, unlike the files above.
    assert _decoded(out) == _expected(
        [(1, 'a', 0), (1, 'a', 1), (2, 'b', 2), (2, 'b', 1), (2, 'b', 0)]
    )
    printed = capsys.readouterr().out
    assert '1 masks without a pixel, their images kept without' in printed
    assert '1 objects cut by the image border, kept: b_mask.png:x=15,y=0' in (
        printed
    )


def test_both_kinds_agree_with_rules(files, whole, tmp_path):
    rules = ['--min-area', '2', '--border', 'drop']
    assert _run(files, tmp_path / 'a', *rules) == 0
    assert _run(whole, tmp_path / 'b', '--objects', 'components', *rules) == 0
    results = [sorted(_decoded(tmp_path / name)) for name in 'ab']
    assert results[0] == results[1]
    assert len(results[0]) == 4


def test_a_label_image_among_masks_names_the_right_tool(
    whole, tmp_path, capsys
):
    _save(
        whole / 'a_mask.png',
        np.arange(192, dtype=np.uint8).reshape(12, 16),
    )
    out = tmp_path / 'out'
    assert _run(whole, out, '--objects', 'components') == 2
    message = capsys.readouterr().err
    assert '1 masks that are not binary: a_mask.png: has 192 values' in message
    assert 'use label_images.py' in message
    options = ['--objects', 'components', '--allow-bad']
    assert _run(whole, out, *options) == 0
    assert [image['id'] for image in _json(out)['images']] == [2, 3]


def test_one_folder_of_masks_for_all_images_is_explained(
    whole, tmp_path, capsys
):
    for name in BOXES:
        (tmp_path / 'p' / 'images').mkdir(parents=True, exist_ok=True)
        (tmp_path / 'p' / 'masks').mkdir(exist_ok=True)
        shutil.copy(whole / f'{name}.png', tmp_path / 'p' / 'images')
        shutil.copy(
            whole / f'{name}_mask.png',
            tmp_path / 'p' / 'masks' / f'{name}.png',
        )
    assert _run(tmp_path / 'p', tmp_path / 'out') == 2
    assert 'add --objects components' in capsys.readouterr().err
    assert (
        _run(tmp_path / 'p', tmp_path / 'out', '--objects', 'components') == 0
    )


def test_unreadable_masks_stop_the_run(files, tmp_path, capsys):
    (files / 'masks' / 'a' / '0.png').write_bytes(b'')
    assert _run(files, tmp_path / 'out') == 2
    assert '1 unreadable masks: masks/a/0.png: the file is empty' in (
        capsys.readouterr().err
    )


def test_bbbc038_gives_the_same_by_its_own_converter(shared_data, tmp_path):
    with zipfile.ZipFile(shared_data / 'bbbc038_stage1_train.zip') as archive:
        names = [n for n in archive.namelist() if n.endswith('.png')]
        keys = sorted({n.split('/')[-3] for n in names})[:4]
        wanted = [n for n in names if n.split('/')[-3] in keys]
        archive.extractall(tmp_path / 'src', wanted)
    assert (
        _run(tmp_path / 'src', tmp_path / 'a', '--class-name', 'nucleus') == 0
    )
    _load('bbbc038').convert(tmp_path / 'src', tmp_path / 'b')
    generic, own = _json(tmp_path / 'a'), _json(tmp_path / 'b')
    assert generic['annotations'] == own['annotations'] != []
    assert generic['categories'] == own['categories']
    for image in own['images']:
        name = Path(image['file_name']).name
        assert (tmp_path / 'b' / 'images' / name).read_bytes() == (
            tmp_path / 'a' / 'images' / name
        ).read_bytes()
