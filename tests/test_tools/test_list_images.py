"""Listing the images of a part, for a source of unlabelled cells."""

import json

import pytest

from cupre_mm.utils.image_paths import find_images
from tools.dataset_converters import list_images as tool


def _write_part(path, names):
    images = [
        dict(id=i, file_name=name, width=4, height=4)
        for i, name in enumerate(names, 1)
    ]
    categories = [dict(id=1, name='cell')]
    path.write_text(
        json.dumps(dict(images=images, annotations=[], categories=categories))
    )


def test_lists_the_images_of_the_part_and_no_others(tmp_path):
    folder = tmp_path / 'set' / 'images'
    folder.mkdir(parents=True)
    for name in ('train_b.png', 'train_a.png', 'test.png'):
        (folder / name).touch()
    part = tmp_path / 'train.json'
    _write_part(part, ['train_b.png', 'train_a.png'])
    out = tmp_path / 'lists' / 'train.txt'
    tool.main([str(part), str(out), '--folder', 'set/images'])
    assert (
        out.read_text() == 'set/images/train_a.png\nset/images/train_b.png\n'
    )
    found = find_images(str(out), str(tmp_path), ('.png',))
    assert found.files == [
        str(folder / 'train_a.png'),
        str(folder / 'train_b.png'),
    ]


def test_missing_annotations_are_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        tool.main(
            [str(tmp_path / 'no.json'), str(tmp_path / 'x'), '--folder', 'y']
        )
    assert caught.value.code == 2
    assert 'no.json does not exist' in capsys.readouterr().err
