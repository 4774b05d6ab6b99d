"""Packing a json, and reading the packed file."""

import copy
import io
import json
import pickle
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.packed_annotations import coco_packer
from cupre_mm.utils.packed_annotations.coco_packer import pack_coco
from cupre_mm.utils.packed_annotations.packed_coco import (
    DamagedFileError,
    PackedAnnotations,
)

DIGEST = bytes(range(32))


def _coco(num_images: int = 6, num_annotations: int = 90) -> dict:
    random = np.random.default_rng(0)
    annotations = []
    for number in range(num_annotations):
        corner = random.uniform(0, 40, 2).round(2).tolist()
        x, y = corner
        annotations.append(
            dict(
                id=number + 1,
                image_id=int(random.integers(num_images - 1)) * 10,
                category_id=int(random.integers(1, 3)),
                bbox=[*corner, 5.0, 5],
                area=12.5,
                iscrowd=0,
                segmentation=[[x, y, x + 5, y, x + 5, y + 5]],
            )
        )
    return dict(
        annotations=annotations,
        categories=[dict(id=1, name='cell'), dict(id=2, name='debris')],
        images=[
            dict(id=10 * n, file_name=f'{n}.tif', height=50, width=60)
            for n in range(num_images)
        ],
    )


def _pack(path: Path, coco: dict, **changes) -> PackedAnnotations:
    path.write_text(json.dumps({**coco, **changes}))
    out = io.BytesIO()
    pack_coco(path, out, DIGEST, path)
    return PackedAnnotations(out.getvalue(), DIGEST)


@pytest.fixture(params=[1000, 7])
def batch(request, monkeypatch) -> int:
    """Batches that hold the whole file, and a few annotations."""
    monkeypatch.setattr(coco_packer, '_BATCH', request.param)
    return request.param


def test_annotations_of_each_image_in_the_order_of_the_file(tmp_path, batch):
    coco = _coco()
    packed = _pack(tmp_path / 'a.json', coco)
    by_image = defaultdict(list)
    for annotation in coco['annotations']:
        by_image[annotation['image_id']].append(annotation)
    for position, image in enumerate(coco['images']):
        assert packed.of_image(position) == by_image[image['id']]
    assert packed.of_image(5) == []


def test_summary_has_all_but_the_annotations(tmp_path, batch):
    coco = _coco()
    summary = _pack(tmp_path / 'a.json', coco).read_summary()
    assert summary.images == coco['images']
    assert summary.categories == coco['categories']
    ids = [annotation['category_id'] for annotation in coco['annotations']]
    assert dict(summary.counts) == {n: ids.count(n) for n in (1, 2)}
    assert summary.num_annotations == 90
    for category, places in summary.images_of:
        assert sorted(places) == sorted(
            {
                annotation['image_id'] // 10
                for annotation in coco['annotations']
                if annotation['category_id'] == category
            }
        )
    assert summary.faults == []


def test_images_before_annotations_and_annotations_by_key(tmp_path, batch):
    coco = _coco()
    first = _pack(tmp_path / 'a.json', coco)
    keyed = {str(ann['id']): ann for ann in coco['annotations']}
    turned = dict(reversed(coco.items()), annotations=keyed)
    second = _pack(tmp_path / 'b.json', turned)
    for position in range(6):
        assert second.of_image(position) == first.of_image(position)
    assert second.read_summary() == first.read_summary()


def test_file_without_annotations(tmp_path):
    packed = _pack(tmp_path / 'a.json', _coco(), annotations=[])
    assert packed.of_image(0) == packed.of_image(5) == []
    assert packed.read_summary().num_annotations == 0


def _faulty(change) -> dict:
    coco = copy.deepcopy(_coco())
    change(coco)
    return coco


@pytest.mark.parametrize(
    'change',
    [
        lambda c: c['images'].clear(),
        lambda c: c.pop('images'),
        lambda c: c.update(categories={'1': 'cell'}),
        lambda c: c['images'][0].update(id=10),
        lambda c: c['images'][0].update(file_name='1.tif'),
        lambda c: c['images'][0].update(file_name=5),
        lambda c: c['categories'][0].update(id=2),
        lambda c: c['annotations'][0].update(id=2),
        lambda c: [c['annotations'][n].update(id='x') for n in (3, 60)],
        lambda c: c['annotations'][5].update(image_id=99),
        lambda c: [c['annotations'][n].update(category_id=9) for n in (7, 70)],
        lambda c: [
            c['annotations'][n].update({key: 9})
            for n, key in ((7, 'category_id'), (70, 'image_id'))
        ],
        lambda c: c['annotations'][5].update(image_id=None),
        lambda c: c['annotations'].append(None),
        lambda c: c['annotations'].append([1]),
    ],
)
def test_the_checks_and_messages_are_those_of_read_coco(
    tmp_path, batch, change
):
    coco = _faulty(change)
    path = tmp_path / 'faulty.json'
    path.write_text(json.dumps(coco))
    with pytest.raises(BadDataError) as expected:
        read_coco(path)
    with pytest.raises(BadDataError) as caught:
        _pack(path, coco)
    assert str(caught.value) == str(expected.value)


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (..., "1 of its images have no 'height', first id 20"),
        (0, "1 of its images have a 'height' that is not a positive number"),
        ('50', "have a 'height' that is not a positive number"),
    ],
)
def test_images_without_a_usable_size_are_refused(tmp_path, value, message):
    coco = _coco()
    coco['images'][2]['height'] = value
    if value is ...:
        del coco['images'][2]['height']
    with pytest.raises(BadDataError, match=r'a\.json: .*' + message):
        _pack(tmp_path / 'a.json', coco)


@pytest.mark.parametrize('text', ['{"images": [', '\x00', '{"images": [NaN]}'])
def test_what_is_no_json_is_named(tmp_path, text):
    path = tmp_path / 'cut.json'
    path.write_text(text)
    with pytest.raises(BadDataError, match=r'cut\.json is not valid json'):
        pack_coco(path, io.BytesIO(), DIGEST, path)


def test_a_mapped_file_is_pickled_and_copied_by_name(tmp_path):
    in_memory = _pack(tmp_path / 'a.json', _coco())
    file = tmp_path / 'a.packed'
    with file.open('wb') as out:
        pack_coco(tmp_path / 'a.json', out, DIGEST, 'a.json')
    mapped = PackedAnnotations(file, DIGEST)
    mapped.verify()
    assert mapped.of_image(2) == in_memory.of_image(2)
    assert copy.deepcopy(mapped) is mapped
    content = pickle.dumps(mapped)
    assert len(content) < 400
    assert pickle.loads(content).of_image(2) == mapped.of_image(2)
    assert pickle.loads(pickle.dumps(in_memory)).of_image(2)
    file.unlink()
    # The process that has it open goes on.
    assert mapped.of_image(2) == in_memory.of_image(2)
    with pytest.raises(BadDataError, match=r'a\.packed.*start the run again'):
        pickle.loads(content)


def test_a_damaged_or_foreign_file_is_told(tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps(_coco()))
    out = io.BytesIO()
    pack_coco(tmp_path / 'a.json', out, DIGEST, 'a.json')
    whole = out.getvalue()
    file = tmp_path / 'a.packed'
    for content in (b'', whole[:50], whole[:-1], whole + b'x', b'\0' * 500):
        file.write_bytes(content)
        with pytest.raises(DamagedFileError):
            PackedAnnotations(file, DIGEST)
    file.write_bytes(whole)
    with pytest.raises(DamagedFileError, match='of another json'):
        PackedAnnotations(file, bytes(32))
    for place in (0, len(whole) // 2, len(whole) - 100):
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(DamagedFileError, match='damaged'):
            PackedAnnotations(file, DIGEST).verify()
