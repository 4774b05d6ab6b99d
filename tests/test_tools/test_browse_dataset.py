"""Contact sheets of labelled, unlabelled and two-view data."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.analysis import browse_dataset as tool

ROOT = Path(__file__).resolve().parents[2]
SMALL = ['--tile-size', '64', '--num', '3', '--columns', '3']


@pytest.fixture
def data_root(demo_data, tmp_path, monkeypatch) -> Path:
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / 'demo').symlink_to(demo_data)
    monkeypatch.setenv('CUPRE_DATA', str(tmp_path / 'data'))
    return tmp_path / 'data'


def browse(out, *arguments) -> list[np.ndarray]:
    pages = tool.main([*map(str, arguments), '--out', str(out), *SMALL])
    return [cv2.imread(str(page)) for page in pages]


def test_json_shows_contours_or_boxes_or_nothing(demo_data, tmp_path, capsys):
    ann = demo_data / 'cells_labelled/annotations/instances.json'
    shown = {
        overlay: browse(tmp_path / overlay, ann, '--overlay', overlay)[0]
        for overlay in ('none', 'contours', 'boxes')
    }
    assert (shown['none'] != shown['contours']).any()
    # The colour of boxes, blue first.
    is_box = {
        name: (page == (0, 200, 255)).all(2).sum()
        for name, page in shown.items()
    }
    assert is_box['boxes'] > 50 * max(is_box['none'], 1)
    said = capsys.readouterr().out
    assert 'instances: 3 of' in said
    assert 'instances_01.png' in said


def test_same_seed_gives_the_same_sheet_and_list(demo_data, tmp_path):
    ann = demo_data / 'cells_labelled/annotations/instances.json'
    pages, lists = [], []
    for name, seed in (('a', 5), ('b', 5), ('c', 6)):
        browse(tmp_path / name, ann, '--seed', seed)
        pages.append((tmp_path / name / 'instances_01.png').read_bytes())
        lists.append(json.loads((tmp_path / name / 'images.json').read_text()))
    assert pages[0] == pages[1] != pages[2]
    assert lists[0] == lists[1] != lists[2]
    assert len(lists[0]['instances']) == 3


def test_folder_of_images_is_shown(demo_data, tmp_path):
    (page,) = browse(tmp_path / 'o', demo_data / 'cells_unlabelled/phase')
    assert page.shape[1] == 3 * (64 + 2 * 6)
    assert page.std() > 20


def test_both_tasks_of_a_pretraining_config_are_shown(data_root, tmp_path):
    moco, det = browse(
        tmp_path / 'o', ROOT / 'configs/demo/amt2_demo.py', '--augmented'
    )
    # Of the first each tile has the image and two views.
    assert moco.shape[1] == 3 * det.shape[1] - 3 * 2 * 6
    assert sorted(p.name for p in (tmp_path / 'o').glob('*.png')) == [
        'det_augmented_01.png',
        'moco_augmented_01.png',
    ]
    # One image of each of the three sources.
    listed = json.loads((tmp_path / 'o/images.json').read_text())
    folders = {Path(f).parent.name for f in listed['moco_augmented']}
    assert folders == {'phase', 'fluorescence', 'stained'}


def test_image_that_cannot_be_shown_is_named_and_the_others_shown(
    demo_data, tmp_path, capsys
):
    ann = demo_data / 'cells_labelled/annotations/instances.json'
    coco = json.loads(ann.read_text())
    coco['images'] = coco['images'][:2]
    names = [image['file_name'] for image in coco['images']]
    ids = {image['id'] for image in coco['images']}
    coco['annotations'] = [
        a for a in coco['annotations'] if a['image_id'] in ids
    ]
    (tmp_path / 'two.json').write_text(json.dumps(coco))
    (tmp_path / 'images').mkdir()
    source = demo_data / 'cells_labelled/images' / names[0]
    (tmp_path / 'images' / names[0]).write_bytes(source.read_bytes())
    (tmp_path / 'images' / names[1]).write_bytes(b'')
    browse(tmp_path / 'o', tmp_path / 'two.json')
    said = capsys.readouterr().out
    assert '1 image(s) cannot be shown' in said
    assert f'{names[1]}: the file is empty' in said


def test_images_are_drawn_alike_from_all_groups():
    groups = ['a'] * 50 + ['b'] * 3 + ['c']
    drawn = tool.chosen_numbers(groups, 6, seed=0)
    assert drawn == sorted(set(drawn))
    found = [groups[number] for number in drawn]
    assert (found.count('b'), found.count('c')) == (2, 1)
    assert tool.chosen_numbers(groups, 99, seed=0) == list(range(54))


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['no.json'], 'does not exist'),
        (['no_such_thing'], 'neither a config'),
        (['.', '--augmented'], 'needs a config'),
    ],
)
def test_wrong_input_is_one_line(arguments, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        tool.main([*arguments, '--images', '.', '--out', str(tmp_path)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
