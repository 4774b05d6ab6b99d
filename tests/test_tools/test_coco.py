import importlib.util
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'coco.py'


def _load():
    spec = importlib.util.spec_from_file_location('coco_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()

SQUARE = [2, 2, 6, 2, 6, 6, 2, 6]


def _annotation(number, image, category, **keys):
    return {
        'id': number,
        'image_id': image,
        'category_id': category,
        'segmentation': [SQUARE],
        **keys,
    }


COCO_JSON = {
    'info': {'description': 'two wells'},
    'licenses': [{'id': 1, 'name': 'CC0'}],
    'images': [
        {'id': 'z', 'file_name': 'z.png', 'height': 12, 'width': 16},
        {'id': 'a', 'file_name': 'a.png', 'license': 1},
    ],
    'annotations': [
        _annotation(1, 'a', 'alive'),
        _annotation(1, 'z', 'dead'),
        _annotation(
            2,
            'z',
            'alive',
            iscrowd=1,
            segmentation={'size': [12, 16], 'counts': [0, 24, 168]},
        ),
    ],
    'categories': [
        {'id': 'dead', 'name': 'dead cell'},
        {'id': 'alive', 'name': 'living cell', 'supercategory': 'cell'},
    ],
}


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / 'set'
    (folder / 'pictures').mkdir(parents=True)
    for name in ('a', 'z'):
        pixels = np.full((12, 16), ord(name) * 100, np.uint16)
        Image.fromarray(pixels).save(folder / 'pictures' / f'{name}.png')
    _write(folder, COCO_JSON)
    return folder


def _write(folder, coco):
    (folder / 'annotations.json').write_text(json.dumps(coco))


def _run(source, out, *options):
    return tool.main([str(source), str(out), '--workers', '1', *options])


def _json(out):
    return json.loads((out / 'annotations' / 'instances.json').read_bytes())


def test_ids_become_numbers_and_the_rest_is_kept(source, tmp_path, capsys):
    out = tmp_path / 'out'
    assert _run(source, out) == 0
    coco = _json(out)
    assert coco['info'] == COCO_JSON['info']
    assert coco['licenses'] == COCO_JSON['licenses']
    assert coco['images'] == [
        {'id': 1, 'file_name': 'z.png', 'height': 12, 'width': 16},
        {
            'id': 2,
            'file_name': 'a.png',
            'height': 12,
            'width': 16,
            'license': 1,
        },
    ]
    assert coco['categories'] == [
        {'id': 1, 'name': 'dead cell'},
        {'id': 2, 'name': 'living cell', 'supercategory': 'cell'},
    ]
    keys = ('id', 'image_id', 'category_id', 'iscrowd', 'area', 'bbox')
    assert [tuple(a[k] for k in keys) for a in coco['annotations']] == [
        (1, 1, 1, 0, 16, [2, 2, 4, 4]),
        (2, 1, 2, 1, 24, [0, 0, 2, 12]),
        (3, 2, 2, 0, 16, [2, 2, 4, 4]),
    ]
    assert all(
        isinstance(ann['segmentation']['counts'], str)
        for ann in coco['annotations']
    )
    written = np.asarray(Image.open(out / 'images' / 'a.png'))
    assert (written == ord('a') * 100).all()
    printed = capsys.readouterr().out
    assert '1 crowd annotations, kept: z.png:2' in printed
    assert 'wrote 2 images and 3 objects' in printed


def test_one_class_and_no_crowds(source, tmp_path, capsys):
    out = tmp_path / 'out'
    assert _run(source, out, '--one-class', 'cell', '--crowds', 'drop') == 0
    coco = _json(out)
    assert coco['categories'] == [{'id': 1, 'name': 'cell'}]
    assert [ann['category_id'] for ann in coco['annotations']] == [1, 1]
    assert '1 crowd annotations, dropped' in capsys.readouterr().out


def test_category_ids_that_are_numbers_stay(source, tmp_path):
    ids = {'dead': 90, 'alive': 7}
    coco = json.loads(json.dumps(COCO_JSON))
    for category in coco['categories']:
        category['id'] = ids[category['id']]
    for annotation in coco['annotations']:
        annotation['category_id'] = ids[annotation['category_id']]
    _write(source, coco)
    assert _run(source, tmp_path / 'out') == 0
    assert _json(tmp_path / 'out')['categories'] == coco['categories']
    assert [
        ann['category_id'] for ann in _json(tmp_path / 'out')['annotations']
    ] == [90, 7, 7]


def test_a_zip_and_a_json_elsewhere_give_the_same(source, tmp_path):
    archive = tmp_path / 'set.zip'
    with zipfile.ZipFile(archive, 'w') as packed:
        for file in source.rglob('*.png'):
            packed.write(file, file.relative_to(source))
    named = str(source / 'annotations.json')
    assert _run(source, tmp_path / 'a') == 0
    assert _run(archive, tmp_path / 'b', '--annotations', named) == 0
    assert _json(tmp_path / 'a') == _json(tmp_path / 'b')


def test_what_does_not_fit_together_stops_the_run(source, tmp_path, capsys):
    coco = json.loads(json.dumps(COCO_JSON))
    coco['images'].append({'id': 'q', 'file_name': 'q.png'})
    coco['annotations'] += [
        _annotation(5, 'q', 'dead'),
        _annotation(6, 'none', 'dead'),
        _annotation(7, 'a', 'asleep'),
        _annotation(8, 'a', 'dead', segmentation=[]),
    ]
    _write(source, coco)
    out = tmp_path / 'out'
    assert _run(source, out) == 2
    message = capsys.readouterr().err
    for part in (
        '1 images that the source does not hold',
        '1 annotations of images that the json does not list',
        '1 annotations without a usable mask',
        '1 annotations of a category that the json does not list',
        'q.png (1 annotations)',
        "annotation number 4: image_id 'none'",
        'a.png:8: it has no segmentation',
        "a.png:7: 'asleep'",
    ):
        assert part in message
    assert not (out / 'annotations' / 'instances.json').exists()
    assert _run(source, out, '--allow-bad') == 0
    whole = tmp_path / 'whole'
    _write(source, COCO_JSON)
    assert _run(source, whole) == 0
    assert _json(out) == _json(whole)


def test_repeated_image_ids_are_an_error(source, tmp_path, capsys):
    coco = json.loads(json.dumps(COCO_JSON))
    coco['images'][1]['id'] = 'z'
    _write(source, coco)
    assert _run(source, tmp_path / 'out', '--allow-bad') == 2
    message = capsys.readouterr().err
    assert "annotations.json: 1 image id(s) occur more than once: 'z'" in (
        message
    )


def test_unknown_choices_in_python_are_refused(source, tmp_path):
    with pytest.raises(ValueError, match="keep, drop, got 'both'"):
        tool.convert(source, tmp_path, rules=tool.ObjectRules(), crowds='both')


def test_real_coco_keeps_every_pixel(shared_data, tmp_path):
    with zipfile.ZipFile(shared_data / 'coco_mini.zip') as archive:
        name = next(
            n for n in archive.namelist() if n.endswith('instances_train.json')
        )
        coco = json.loads(archive.read(name))
        crowds = {a['image_id'] for a in coco['annotations'] if a['iscrowd']}
        images = [i for i in coco['images'] if i['id'] in crowds][:3]
        kept = {image['id'] for image in images}
        coco['images'] = images
        coco['annotations'] = [
            a for a in coco['annotations'] if a['image_id'] in kept
        ]
        files = {image['file_name'] for image in images}
        archive.extractall(
            tmp_path / 'src',
            [n for n in archive.namelist() if n.split('/')[-1] in files],
        )
    _write(tmp_path / 'src', coco)
    assert _run(tmp_path / 'src', tmp_path / 'out') == 0
    before = COCO(str(tmp_path / 'src' / 'annotations.json'))
    after = COCO(str(tmp_path / 'out' / 'annotations' / 'instances.json'))
    assert len(after.anns) == len(before.anns) > 10
    for place, image in enumerate(images, 1):
        for old, new in zip(
            before.imgToAnns[image['id']], after.imgToAnns[place]
        ):
            mask = before.annToMask(old)
            np.testing.assert_array_equal(after.annToMask(new), mask)
            assert new['area'] == mask.sum()
            assert new['category_id'] == old['category_id']
            assert new['iscrowd'] == old['iscrowd']
