import json
import os
from pathlib import Path

import pytest
import tifffile

from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.livecell import conversion
from cupre_mm.utils.livecell.cell_types import CELL_TYPES
from cupre_mm.utils.livecell.conversion import (
    LivecellOptions,
    convert_livecell,
)
from tests.livecell_set import LivecellSet, change_json, write_livecell_set

PARTS = ('train', 'val', 'test')


@pytest.fixture
def source(tmp_path: Path) -> LivecellSet:
    return write_livecell_set(tmp_path / 'src', per_type=5, size=(52, 70))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / 'livecell'


def _convert(source: LivecellSet, out: Path, **options) -> dict:
    return convert_livecell([source.root], out, LivecellOptions(**options))


def _polygons(path: Path) -> dict[str, list]:
    """Polygons by file name."""
    coco, _ = read_coco(path)
    names = {image['id']: image['file_name'] for image in coco['images']}
    found: dict[str, list] = {name: [] for name in names.values()}
    for annotation in coco['annotations']:
        found[names[annotation['image_id']]] += annotation['segmentation']
    return found


def _contents(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob('*')
        if path.is_file() and '.progress' not in path.name
    }


@pytest.mark.parametrize('nested', [True, False])
@pytest.mark.parametrize('single', [True, False])
def test_every_layout_gives_the_same_cells(tmp_path, out, nested, single):
    source = write_livecell_set(
        tmp_path / 'src', per_type=2, nested=nested, single=single
    )
    report = _convert(source, out)
    for part in PARTS:
        path = out / 'annotations' / f'livecell_coco_{part}.json'
        assert _polygons(path) == {
            name: source.polygons[name] for name in source.names[part]
        }
        assert report['parts'][part]['images'] == len(source.names[part])
    assert {path.name for path in (out / 'images').iterdir()} == set(
        source.cells
    )


def test_official_splits_have_the_cells_of_the_training_file(source, out):
    # In the official files the ids of an image are other ones.
    report = _convert(source, out)
    assert list(report['splits']) == [
        f'train_{p}' for p in (2, 4, 5, 10, 20, 25, 50, 100)
    ]
    for percent, names in source.official.items():
        split = report['splits'][f'train_{percent}']
        assert split['official']
        assert split['file_names'] == sorted(names)
        path = out / 'annotations' / 'seed0' / split['file']
        assert _polygons(path) == {n: source.polygons[n] for n in names}
    for percent in (10, 20, 100):
        assert not report['splits'][f'train_{percent}']['official']


def test_without_the_official_files_all_splits_are_ours(source, out, tmp_path):
    unofficial = write_livecell_set(
        tmp_path / 'other', per_type=5, official=()
    )
    ours = _convert(source, out, official=False)['splits']
    assert list(ours) == [f'train_{p}' for p in (5, 10, 20, 50, 100)]
    assert not any(split['official'] for split in ours.values())
    assert _convert(unofficial, tmp_path / 'out2')['splits'] == ours


def test_images_carry_their_cell_type_and_the_ids_of_the_source(source, out):
    _convert(source, out)
    official, _ = read_coco(source.folder / 'livecell_coco_test.json')
    coco, _ = read_coco(out / 'annotations' / 'livecell_coco_test.json')
    assert {i['file_name']: i['id'] for i in coco['images']} == {
        i['file_name']: i['id'] for i in official['images']
    }
    for image in coco['images']:
        assert image['cell_type'] == image['file_name'].split('_')[0]
        assert (image['height'], image['width']) == (52, 70)


def test_eight_classes(source, out):
    _convert(source, out, by_cell_type=True)
    for name in ('livecell_coco_val.json', 'seed0/train_50.json'):
        coco, _ = read_coco(out / 'annotations' / name)
        names = [category['name'] for category in coco['categories']]
        assert names == list(CELL_TYPES)
        kinds = {image['id']: image['cell_type'] for image in coco['images']}
        assert all(
            names[a['category_id'] - 1] == kinds[a['image_id']]
            for a in coco['annotations']
        )


def test_some_cell_types_only(source, out):
    report = _convert(source, out, cell_types=('BV2', 'SkBr3'))
    assert set(report['parts']['train']['strata']) == {'BV2', 'SkBr3'}
    assert report['parts']['train']['images'] == 10
    assert len(list((out / 'images').iterdir())) == 14
    fifty = report['splits']['train_50']
    assert fifty['official']
    assert fifty['file_names'] == [
        name
        for name in sorted(source.official[50])
        if name.startswith(('BV2', 'SkBr3'))
    ]
    # The official 2 % have an image of SKOV3 alone.
    assert 'train_2' not in report['splits']


def test_the_training_images_are_listed_from_the_data_root(source, out):
    _convert(source, out)
    lines = (out / 'livecell_train.txt').read_text().splitlines()
    assert [Path(line).name for line in lines] == sorted(source.names['train'])
    assert all((out.parent / line).is_file() for line in lines)


def test_a_finished_conversion_is_left_alone(source, out, monkeypatch):
    assert not _convert(source, out)['finished_before']
    before = _contents(out)

    def refuse(*args, **kwargs):
        raise AssertionError('worked again')

    monkeypatch.setattr(conversion, 'place_images', refuse)
    again = _convert(source, out)
    assert again['finished_before']
    assert again['splits']['train_5']['images'] == 2
    assert _contents(out) == before


@pytest.mark.parametrize(
    'lost',
    [
        'annotations/livecell_coco_val.json',
        'annotations/seed0/train_10.json',
        'annotations/seed0/manifest.json',
        'annotations/conversion_report.json',
        'livecell_train.txt',
    ],
)
def test_what_is_gone_is_made_again(source, out, lost):
    _convert(source, out)
    before = _contents(out)
    (out / lost).unlink()
    assert not _convert(source, out)['finished_before']
    assert _contents(out) == before


def test_a_lost_image_is_placed_again(source, out):
    _convert(source, out)
    image = out / 'images' / source.names['val'][0]
    image.unlink()
    assert not _convert(source, out)['finished_before']
    assert image.is_file()


def test_a_run_that_was_cut_off_goes_on_with_the_next_part(
    source, out, monkeypatch
):
    write_part = conversion.write_part
    done = []

    def interrupted(shared, item, folder):
        if item.name == 'test' and done == ['train', 'val']:
            raise KeyboardInterrupt
        done.append(item.name)
        return write_part(shared, item, folder)

    monkeypatch.setattr(conversion, 'write_part', interrupted)
    with pytest.raises(KeyboardInterrupt):
        _convert(source, out)
    assert not (out / 'annotations' / 'conversion_report.json').exists()
    done.append('cut off')
    _convert(source, out)
    assert done == ['train', 'val', 'cut off', 'test']
    monkeypatch.undo()
    _convert(source, out.with_name('in_one_go'))
    assert _contents(out / 'annotations' / 'seed0') == _contents(
        out.with_name('in_one_go') / 'annotations' / 'seed0'
    )


def test_other_options_make_the_files_anew(source, out, monkeypatch):
    _convert(source, out)
    report = out / 'annotations' / 'conversion_report.json'
    assert report.exists()

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(conversion, 'write_splits', interrupted)
        with pytest.raises(KeyboardInterrupt):
            _convert(source, out, by_cell_type=True)
    assert not report.exists()
    _convert(source, out, by_cell_type=True)
    coco, _ = read_coco(out / 'annotations' / 'livecell_coco_train.json')
    assert len(coco['categories']) == 8


def test_a_changed_annotation_file_is_converted_again(source, out):
    _convert(source, out)
    path = source.folder / 'livecell_coco_train.json'
    change_json(path, lambda content: content['annotations'].pop())
    os.utime(path, ns=(1, 1))
    report = _convert(source, out)
    whole = sum(source.cells[name] for name in source.names['train'])
    assert report['parts']['train']['annotations'] == whole - 1


def test_splits_of_other_options_stop_before_anything_is_changed(source, out):
    _convert(source, out)
    before = _contents(out)
    with pytest.raises(BadDataError, match=r'train_2.json, train_25.json'):
        _convert(source, out, official=False)
    assert _contents(out) == before


def test_damaged_images_stop_it_or_are_left_out(source, out):
    bad, other = source.names['train'][0], source.names['test'][1]
    source.image(bad).write_bytes(b'')
    tifffile.imwrite(
        source.image(other), tifffile.imread(source.image(other))[:40]
    )
    with pytest.raises(BadDataError) as error:
        _convert(source, out)
    message = str(error.value)
    assert '2 image(s) cannot be used' in message
    assert f'{bad}: the file is empty' in message
    assert f'{other} has 40 x 70 pixels' in message
    assert 'are for 52 x 70' in message
    report = _convert(source, out, allow_bad=True)
    assert set(report['left_out_images']) == {bad, other}
    assert report['parts']['train']['images'] == 39
    assert bad not in report['splits']['train_100']['file_names']
    listed = (out / 'livecell_train.txt').read_text()
    assert bad not in listed
    assert _convert(source, out, allow_bad=True)['finished_before']


def test_the_source_is_left_as_it_was(source, out):
    before = _contents(source.root)
    _convert(source, out)
    assert _contents(source.root) == before


def test_the_report_says_what_was_mended(source, out):
    def spoil(content):
        content['annotations'][0]['segmentation'] = []
        content['annotations'][1]['bbox'][0] = -4

    change_json(source.folder / 'livecell_coco_val.json', spoil)
    _convert(source, out)
    report = json.loads(
        (out / 'annotations' / 'conversion_report.json').read_text()
    )
    problems = report['parts']['val']['problems']
    assert problems['empty_masks']['count'] == 1
    assert problems['boxes_clipped']['count'] == 1
    assert problems['duplicates']['count'] == 0
