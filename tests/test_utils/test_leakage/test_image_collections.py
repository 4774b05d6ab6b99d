"""From an argument of a command line to image files."""

import json
import zipfile

import pytest
from PIL import Image

from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from cupre_mm.utils.leakage.image_collections import find_collections
from tests.blob_images import blob_image


@pytest.fixture
def data(tmp_path):
    """A set in the layout of data/README.md, and a config that reads it."""
    images = tmp_path / 'images'
    images.mkdir()
    for seed, name in enumerate(('a.png', 'b.png', 'c.png')):
        Image.fromarray(blob_image(seed, 20, 20)).save(images / name)
    for part, names in (('train', ['a.png', 'b.png']), ('test', ['c.png'])):
        _write_json(tmp_path / f'annotations/seed0/{part}.json', names)
    return tmp_path


def _write_json(path, names):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [dict(id=i, file_name=name) for i, name in enumerate(names)]
    path.write_text(json.dumps(dict(images=images)))


def _names(collections):
    return [[file.rpartition('/')[2] for file in c.files] for c in collections]


def test_folder_pattern_list_and_image(data):
    images = data / 'images'
    (data / 'list.txt').write_text(f'{images}/b.png\n')
    for path, names in (
        (images, ['a.png', 'b.png', 'c.png']),
        (f'{images}/[ab].png', ['a.png', 'b.png']),
        (data / 'list.txt', ['b.png']),
        (images / 'c.png', ['c.png']),
    ):
        assert _names(find_collections(str(path), 'train')) == [names]


def test_relative_paths_become_absolute(data, monkeypatch):
    monkeypatch.chdir(data)
    (found,) = find_collections('images/a.png', 'train')
    assert found.files == [str(data / 'images' / 'a.png')]


def test_images_of_a_json_are_two_folders_up_or_where_the_user_says(data):
    path = data / 'annotations' / 'seed0' / 'train.json'
    assert _names(find_collections(str(path), 'train')) == [['a.png', 'b.png']]
    (data / 'images').rename(data / 'elsewhere')
    with pytest.raises(MissingDataError, match=r'2 of the 2 .*--image-f'):
        find_collections(str(path), 'train')
    found = find_collections(str(path), 'train', str(data / 'elsewhere'))
    assert _names(found) == [['a.png', 'b.png']]


@pytest.mark.parametrize(
    'images', [[], [dict(id=1)], [dict(id=1, file_name=None)], ['a.png']]
)
def test_json_without_file_names_is_told(tmp_path, images):
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(dict(images=images)))
    with pytest.raises(BadDataError, match=r'x\.json: its list .images.'):
        find_collections(str(path), 'train')


def test_archive_and_folder_without_images_are_told(tmp_path):
    with zipfile.ZipFile(tmp_path / 'x.zip', 'w') as archive:
        archive.writestr('a.png', b'')
    with pytest.raises(BadDataError, match=r'unpack\.py .*x\.zip'):
        find_collections(str(tmp_path / 'x.zip'), 'train')
    (tmp_path / 'folder').mkdir()
    with pytest.raises(BadDataError, match='folder has no image'):
        find_collections(str(tmp_path / 'folder'), 'train')
    with pytest.raises(MissingDataError, match='no such file or folder'):
        find_collections(str(tmp_path / 'gone'), 'train')


def test_config_stands_for_sources_and_labelled_images(data):
    config = data / 'pretrain.py'
    config.write_text(f"""
root = {str(data)!r}
train_dataloader = dict(
    moco=dict(dataset=dict(
        type='cupre_mm.CellImages', data_root=root,
        sources=dict(one='images/a.png', two=['images/c.png']))),
    det=dict(dataset=dict(type='ConcatDataset', datasets=[
        dict(type='RepeatDataset', times=2, dataset=dict(
            type='CocoDataset', data_root=root,
            ann_file='annotations/seed0/train.json',
            data_prefix=dict(img='images/'))),
        dict(type='CocoDataset', data_root=root,
             ann_file='annotations/seed0/test.json',
             data_prefix=dict(img='images/'))])))
""")
    found = find_collections(str(config), 'train')
    assert _names(found) == [['a.png', 'c.png'], ['a.png', 'b.png'], ['c.png']]
    assert 'moco' in found[0].name
    assert 'det' in found[1].name
    with pytest.raises(BadConfigError, match='no test data loader'):
        find_collections(str(config), 'test')


def test_unreadable_image_of_a_source_is_not_left_out(data):
    (data / 'images' / 'b.png').write_bytes(b'')
    config = data / 'moco.py'
    config.write_text(
        "train_dataloader = dict(moco=dict(dataset=dict(type='cupre_mm."
        f"CellImages', data_root={str(data)!r}, sources=dict(x='images'))))"
    )
    found = find_collections(str(config), 'train')
    assert _names(found) == [['a.png', 'b.png', 'c.png']]


def test_config_that_cannot_be_read_is_told(tmp_path):
    config = tmp_path / 'broken.py'
    config.write_text('train_dataloader = dict(')
    with pytest.raises(BadConfigError, match=r'broken\.py'):
        find_collections(str(config), 'train')
