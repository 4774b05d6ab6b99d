import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'bbbc038.py'

# One of the three images of the real set that have overlapping masks.
OVERLAP = '0a7d30b252359a10fd298b638b90cb9ada3acced4e0c0e5a3692013f432ee4e9'


def _load():
    spec = importlib.util.spec_from_file_location('bbbc038_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()


def _add(folder, name, masks, shape=(8, 10)):
    (folder / name / 'images').mkdir(parents=True)
    (folder / name / 'masks').mkdir()
    image = np.random.default_rng(len(name)).integers(0, 256, (*shape, 4))
    Image.fromarray(image.astype(np.uint8)).save(
        folder / name / 'images' / f'{name}.png'
    )
    for index, box in enumerate(masks):
        mask = np.zeros(shape, np.uint8)
        mask[box[0] : box[1], box[2] : box[3]] = 255
        Image.fromarray(mask).save(folder / name / 'masks' / f'{index}.png')


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / 'stage1_train'
    _add(folder, 'cc', [(0, 2, 0, 2), (4, 7, 3, 9)])
    _add(folder, 'aa', [(1, 5, 1, 3)], shape=(12, 7))
    _add(folder, 'bb', [])
    return folder


def _zip(folder, path, prefix=''):
    with zipfile.ZipFile(path, 'w') as archive:
        for file in sorted(folder.rglob('*.png')):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


def _json(out):
    return json.loads((out / 'annotations' / 'instances.json').read_bytes())


def _bytes(out):
    return (out / 'annotations' / 'instances.json').read_bytes()


def test_json_is_ordered_by_id_and_complete(source, tmp_path, capsys):
    out = tmp_path / 'out'
    assert tool.main([str(source), str(out), '--workers', '1']) == 0
    coco = _json(out)
    assert coco['images'] == [
        {'id': 1, 'file_name': 'aa.png', 'width': 7, 'height': 12},
        {'id': 2, 'file_name': 'bb.png', 'width': 10, 'height': 8},
        {'id': 3, 'file_name': 'cc.png', 'width': 10, 'height': 8},
    ]
    assert coco['categories'] == [{'id': 1, 'name': 'nucleus'}]
    assert [
        (a['id'], a['image_id'], a['category_id'], a['iscrowd'], a['area'])
        for a in coco['annotations']
    ] == [(1, 1, 1, 0, 8), (2, 3, 1, 0, 4), (3, 3, 1, 0, 18)]
    assert coco['annotations'][2]['bbox'] == [3, 4, 6, 3]
    assert sorted(p.name for p in (out / 'images').iterdir()) == [
        'aa.png',
        'bb.png',
        'cc.png',
    ]
    printed = capsys.readouterr().out
    assert '1 images without masks, kept: bb/images/bb.png' in printed
    assert 'wrote 3 images and 3 nuclei' in printed


def test_zip_folder_and_leading_folder_give_the_same_json(source, tmp_path):
    sources = {
        'folder': source,
        'above': source.parent / 'above',
        'zip': _zip(source, tmp_path / 'a.zip'),
        'led': _zip(source, tmp_path / 'b.zip', 'stage1_train/'),
    }
    shutil.copytree(source, sources['above'] / 'stage1_train')
    for name, src in sources.items():
        tool.convert(src, tmp_path / 'out' / name)
    results = {_bytes(tmp_path / 'out' / name) for name in sources}
    assert len(results) == 1


def test_the_command_runs_with_workers(source, tmp_path):
    out = tmp_path / 'out'
    run = subprocess.run(
        [sys.executable, TOOL, source, out, '--workers', '2'],
        cwd=ROOT,
        env={'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert '3/3' in run.stderr
    tool.convert(source, tmp_path / 'serial')
    assert _bytes(out) == _bytes(tmp_path / 'serial')


def test_an_interrupted_run_goes_on_where_it_was(
    source, tmp_path, monkeypatch, capsys
):
    tool.convert(source, tmp_path / 'whole')
    out, real, seen = tmp_path / 'out', tool.convert_masks, []

    def stop_at_third(tree, item, **keys):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(item.name)
        return real(tree, item, **keys)

    args = [str(source), str(out), '--workers', '1']
    with monkeypatch.context() as patch:
        patch.setattr(tool, 'convert_masks', stop_at_third)
        assert tool.main(args) == 130
    assert 'the same command goes on' in capsys.readouterr().err
    assert not (out / 'annotations' / 'instances.json').exists()
    assert tool.convert(source, out).converted == 1
    assert tool.convert(source, out).converted == 0
    assert _bytes(out) == _bytes(tmp_path / 'whole')


def test_a_changed_mask_is_noticed(source, tmp_path):
    out = tmp_path / 'out'
    tool.convert(source, out)
    mask = np.zeros((12, 7), np.uint8)
    mask[3, 3] = 255
    Image.fromarray(mask).save(source / 'aa' / 'masks' / '0.png')
    assert tool.convert(source, out).converted == 1
    assert _json(out)['annotations'][0]['area'] == 1


def test_unreadable_files_stop_the_run_and_are_named(source, tmp_path, capsys):
    out = tmp_path / 'out'
    (source / 'bb' / 'images' / 'bb.png').write_bytes(b'broken')
    (source / 'cc' / 'masks' / '1.png').write_bytes(b'')
    args = [str(source), str(out), '--workers', '1']
    assert tool.main(args) == 2
    message = capsys.readouterr().err
    assert '1 images that cannot be used, 1 unreadable masks' in message
    assert 'bb/images/bb.png: cannot be read as an image' in message
    assert 'cc/masks/1.png: the file is empty (0 bytes)' in message
    assert '--allow-bad' in message
    assert not (out / 'annotations' / 'instances.json').exists()

    assert tool.main([*args, '--allow-bad']) == 0
    coco = _json(out)
    # The others keep the ids that they have when bb can be read.
    assert [image['id'] for image in coco['images']] == [1, 3]
    assert [ann['image_id'] for ann in coco['annotations']] == [1, 3]
    report = json.loads(
        (out / 'annotations' / 'conversion_report.json').read_bytes()
    )
    (image,) = report['cases']['unreadable_images']
    (mask,) = report['cases']['unreadable_masks']
    assert image.startswith('bb/images/bb.png: ')
    assert mask.startswith('cc/masks/1.png: ')
    assert report['counts']['unreadable_images'] == 1


def test_foreign_files_are_ignored_and_counted(source, tmp_path):
    (source / 'aa' / 'masks' / 'notes.txt').write_text('note')
    (source / 'aa' / 'images' / '._aa.png').write_bytes(b'')
    (source / 'aa' / 'images' / 'other.png').write_bytes(b'')
    result = tool.convert(source, tmp_path / 'out')
    assert result.images == 3
    assert result.cases['ignored_files'] == [
        'aa/images/._aa.png',
        'aa/images/other.png',
        'aa/masks/notes.txt',
    ]


def test_missing_source_says_where_to_get_it(tmp_path, capsys):
    assert tool.main([str(tmp_path / 'no.zip'), str(tmp_path / 'out')]) == 2
    message = capsys.readouterr().err
    assert 'no.zip does not exist' in message
    assert 'stage1_train.zip of accession BBBC038 (CC0)' in message
    assert 'Broad Bioimage Benchmark Collection' in message
    assert not (tmp_path / 'out').exists()


def _empty(source):
    shutil.rmtree(source)
    source.mkdir()


def _orphan(source):
    (source / 'bb' / 'images' / 'bb.png').unlink()
    shutil.copytree(source / 'aa' / 'masks', source / 'bb2' / 'masks')


def _two_sets(source):
    _add(source / 'stage1_test', 'dd', [])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (_empty, 'has no file <id>/images/<id>.png'),
        (_orphan, 'have masks but no image, first bb2/images/bb2.png'),
        (_two_sets, 'holds several data sets: ./, stage1_test/'),
    ],
)
def test_another_layout_is_refused(source, tmp_path, capsys, change, message):
    change(source)
    assert tool.main([str(source), str(tmp_path / 'out')]) == 2
    assert message in capsys.readouterr().err


def test_no_workers_are_refused(source, tmp_path, capsys):
    args = [str(source), str(tmp_path / 'out'), '--workers', '0']
    assert tool.main(args) == 2
    assert 'workers must be 1 or more, got 0' in capsys.readouterr().err


def test_a_zip_that_leaves_its_folder_is_refused(source, tmp_path, capsys):
    slip = _zip(source, tmp_path / 'slip.zip', '../')
    assert tool.main([str(slip), str(tmp_path / 'out')]) == 2
    assert 'points outside the folder' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_a_file_in_place_of_the_output_folder(source, tmp_path, capsys):
    (tmp_path / 'out').write_text('a file')
    assert tool.main([str(source), str(tmp_path / 'out')]) == 2
    assert 'a file of that name is in the way' in capsys.readouterr().err


def _some_real_images(archive, folder):
    names = archive.namelist()
    sizes = {}
    for name in names:
        if '/images/' in name:
            with archive.open(name) as file:
                sizes[name.split('/')[0]] = Image.open(file).size
    by_size = sorted(sizes, key=lambda i: (sizes[i][0] * sizes[i][1], i))
    chosen = {OVERLAP, by_size[0], by_size[len(by_size) // 2], by_size[-1]}
    wanted = [name for name in names if name.split('/')[0] in chosen]
    archive.extractall(folder, wanted)
    return chosen


def test_real_images_agree_with_masks_read_by_pillow(shared_data, tmp_path):
    folder, out = tmp_path / 'src', tmp_path / 'out'
    path = shared_data / 'bbbc038_stage1_train.zip'
    with zipfile.ZipFile(path) as archive:
        chosen = _some_real_images(archive, folder)
    result = tool.convert(folder, out)
    coco = _json(out)
    assert result.images == len(chosen) == 4
    assert len(result.cases['overlapping_masks']) == 1
    assert result.cases['overlapping_masks'][0].startswith(OVERLAP)
    for image in coco['images']:
        name = image['file_name'].removesuffix('.png')
        original = Image.open(folder / name / 'images' / f'{name}.png')
        np.testing.assert_array_equal(
            np.asarray(Image.open(out / 'images' / image['file_name'])),
            np.asarray(original)[..., :3],
        )
        files = sorted((folder / name / 'masks').iterdir())
        annotations = [
            ann
            for ann in coco['annotations']
            if ann['image_id'] == image['id']
        ]
        assert len(files) == len(annotations)
        for file, ann in zip(files, annotations):
            mask = np.asarray(Image.open(file)) > 0
            decoded = rle_tools.decode(ann['segmentation'])
            np.testing.assert_array_equal(decoded, mask)
            rows, columns = np.nonzero(mask)
            left, top, width, height = ann['bbox']
            assert (left, top) == (columns.min(), rows.min())
            assert left + width == columns.max() + 1
            assert top + height == rows.max() + 1
            assert ann['area'] == mask.sum()


def test_mmdet_loads_the_result(source, tmp_path):
    from mmcv.transforms import LoadImageFromFile
    from mmdet.datasets import CocoDataset
    from mmdet.datasets.transforms import LoadAnnotations

    tool.convert(source, tmp_path / 'out')
    dataset = CocoDataset(
        ann_file='annotations/instances.json',
        data_root=str(tmp_path / 'out'),
        data_prefix={'img': 'images/'},
        metainfo={'classes': ('nucleus',)},
        pipeline=[
            {'type': LoadImageFromFile},
            {'type': LoadAnnotations, 'with_mask': True},
        ],
        test_mode=True,
    )
    assert len(dataset) == 3
    masks = dataset[2]['gt_masks'].to_ndarray()
    assert masks.shape == (2, 8, 10)
    assert masks[1, 4:7, 3:9].all()
    assert masks.sum() == 4 + 18


@pytest.mark.slow
def test_the_whole_real_set_has_all_its_nuclei(shared_data, tmp_path):
    result = tool.convert(
        shared_data / 'bbbc038_stage1_train.zip', tmp_path, workers=2
    )
    assert (result.images, result.annotations) == (531, 22937)
    assert len(result.cases['overlapping_masks']) == 3
