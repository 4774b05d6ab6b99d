import json
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.labelled_sets.coco_records import ImageRecord
from cupre_mm.utils.labelled_sets.conversion import (
    LabelledSet,
    convert_set,
    fingerprint,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules, cut_out

RULES = ObjectRules()


class Item(NamedTuple):
    name: str
    fingerprint: str


def _whole_image(tree, item, images, rules, bad=()):
    """One object that fills the image."""
    record = ImageRecord(item.name, rules)
    if record.store(tree, item.name, images):
        mask = cut_out(np.ones((record.height, record.width), bool))
        record.add(item.name, mask)
    if item.name in bad:
        record.note('bad_things', item.name)
        record.leave_out(images)
    return record.as_dict()


def _find(tree, bad=(), **keys):
    return LabelledSet(
        [Item(name, fingerprint(tree, [name])) for name in tree.names],
        partial(_whole_image, bad=bad),
        [{'id': 1, 'name': 'cell'}],
        {'bad_things': 'bad things', 'seen': 'things seen'},
        bad=('bad_things',),
        found={'seen': ['one', 'two']},
        **keys,
    )


@pytest.fixture
def src(tmp_path):
    folder = tmp_path / 'src'
    folder.mkdir()
    for name, side in (('b.png', 3), ('a.png', 2)):
        Image.fromarray(np.zeros((side, side), np.uint8)).save(folder / name)
    return folder


def _json(path):
    return json.loads(path.read_bytes())


def test_json_and_report_are_written(src, tmp_path):
    out = tmp_path / 'out'
    find = partial(_find, keys={'info': {'description': 'd'}})
    result = convert_set(src, out, find, rules=RULES)
    assert (result.images, result.annotations, result.converted) == (2, 2, 2)
    coco = _json(out / 'annotations' / 'instances.json')
    assert [image['file_name'] for image in coco['images']] == [
        'a.png',
        'b.png',
    ]
    assert coco['info'] == {'description': 'd'}
    report = _json(out / 'annotations' / 'conversion_report.json')
    assert report['rules'] == RULES.as_dict()
    assert report['cases']['seen'] == ['one', 'two']
    assert report['cases']['border_objects'] == ['a.png', 'b.png']
    assert report['counts'] == {
        'unreadable_images': 0,
        'multi_page_images': 0,
        'bad_things': 0,
        'seen': 2,
        'objects_with_holes': 0,
        'objects_in_pieces': 0,
        'border_objects': 2,
        'one_pixel_objects': 0,
    }
    assert report['meanings'].keys() == report['counts'].keys()


def test_bad_things_stop_it_with_a_report_or_are_left_out(src, tmp_path):
    out = tmp_path / 'out'
    convert_set(src, out, _find, rules=RULES)
    find = partial(_find, bad=['a.png'])
    # Done by the run before, and still whole: looked at no more.
    assert convert_set(src, out, find, rules=RULES).converted == 0
    (out / 'annotations' / 'instances.progress.jsonl').unlink()
    with pytest.raises(BadDataError) as caught:
        convert_set(src, out, find, rules=RULES)
    assert '1 bad things: a.png. All are listed in' in str(caught.value)
    assert not (out / 'annotations' / 'instances.json').exists()
    report = _json(out / 'annotations' / 'conversion_report.json')
    assert report['cases']['bad_things'] == ['a.png']
    result = convert_set(src, out, find, rules=RULES, allow_bad=True)
    assert result.images == 1
    coco = _json(out / 'annotations' / 'instances.json')
    assert [image['id'] for image in coco['images']] == [2]


def test_a_check_may_refuse_the_set_or_warn(src, tmp_path):
    def refuse(result):
        raise BadDataError(f'{result.annotations} of another kind')

    with pytest.raises(BadDataError, match='2 of another kind'):
        convert_set(src, tmp_path, partial(_find, check=refuse), rules=RULES)
    warn = partial(_find, check=lambda result: ['odd'])
    result = convert_set(src, tmp_path / 'out', warn, rules=RULES)
    assert result.warnings == ['odd']


def test_a_missing_image_of_the_output_is_written_again(src, tmp_path):
    convert_set(src, tmp_path / 'out', _find, rules=RULES)
    (tmp_path / 'out' / 'images' / 'a.png').unlink()
    result = convert_set(src, tmp_path / 'out', _find, rules=RULES)
    assert result.converted == 1
    assert (tmp_path / 'out' / 'images' / 'a.png').is_file()


def test_an_output_folder_in_the_source_is_refused(src):
    for out in (src, src / 'out'):
        with pytest.raises(BadConfigError, match='lies in the source'):
            convert_set(src, out, _find, rules=RULES)
    assert sorted(file.name for file in src.iterdir()) == ['a.png', 'b.png']


def test_the_fingerprint_follows_files_and_settings(src):
    with open_source(src) as tree:
        first = fingerprint(tree, ['a.png'], {'border': 'keep'})
        assert fingerprint(tree, ['a.png'], {'border': 'keep'}) == first
        assert fingerprint(tree, ['a.png'], {'border': 'drop'}) != first
        assert fingerprint(tree, ['a.png', 'b.png'], {}) != first
        (src / 'a.png').write_bytes(b'changed')
        assert fingerprint(tree, ['a.png'], {'border': 'keep'}) != first
