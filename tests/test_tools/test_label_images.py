import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from pycocotools import mask as rle_tools

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'label_images.py'


def _load():
    spec = importlib.util.spec_from_file_location('label_images_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()


def _labels(*boxes, shape=(12, 16)):
    labels = np.zeros(shape, np.uint16)
    for number, (top, bottom, left, right) in enumerate(boxes, 1):
        labels[top:bottom, left:right] = number
    return labels


CELLS = {
    'a': _labels((1, 4, 1, 5), (6, 9, 6, 10)),
    'b': _labels((0, 3, 2, 6), (5, 6, 5, 6), (7, 11, 9, 13)),
    'c': _labels(),
}


def _image(name):
    """Dark and of low contrast, as 16-bit microscope images are."""
    rng = np.random.default_rng(ord(name))
    return rng.integers(200, 260, (12, 16), np.uint16)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / 'set'
    folder.mkdir()
    for name, labels in CELLS.items():
        tifffile.imwrite(folder / f'{name}_img.tif', _image(name))
        tifffile.imwrite(
            folder / f'{name}_masks.tif', labels, compression='deflate'
        )
    return folder


def _run(source, out, *options):
    return tool.main([str(source), str(out), '--workers', '1', *options])


def _json(out):
    return json.loads((out / 'annotations' / 'instances.json').read_bytes())


def _bytes(out):
    return {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in sorted(out.rglob('*.*'))
        if file.suffix != '.jsonl'
    }


def test_cellpose_pairs_become_one_json(source, tmp_path, capsys):
    out = tmp_path / 'out'
    assert _run(source, out) == 0
    coco = _json(out)
    assert coco['categories'] == [{'id': 1, 'name': 'cell'}]
    assert [image['file_name'] for image in coco['images']] == [
        'a_img.tif',
        'b_img.tif',
        'c_img.tif',
    ]
    assert [ann['image_id'] for ann in coco['annotations']] == [1, 1, 2, 2, 2]
    decoded = [
        rle_tools.decode(ann['segmentation']) for ann in coco['annotations']
    ]
    for mask, (name, number) in zip(
        decoded, [('a', 1), ('a', 2), ('b', 1), ('b', 2), ('b', 3)]
    ):
        np.testing.assert_array_equal(mask, number == CELLS[name])
    written = tifffile.imread(out / 'images' / 'a_img.tif')
    assert written.dtype == np.uint16
    np.testing.assert_array_equal(written, _image('a'))
    printed = capsys.readouterr().out
    assert (
        '1 images with a label image that holds no object, kept: c_masks.tif'
        in printed
    )
    assert '1 objects cut by the image border, kept: b_masks.tif:1' in printed
    assert '1 objects of one pixel, kept: b_masks.tif:2' in printed
    assert 'wrote 3 images and 5 objects' in printed


def test_rules_and_class_name_by_option(source, tmp_path, capsys):
    out = tmp_path / 'out'
    options = ['--border', 'drop', '--min-area', '2', '--class-name', 'yeast']
    assert _run(source, out, *options) == 0
    coco = _json(out)
    assert [ann['area'] for ann in coco['annotations']] == [12, 12, 16]
    assert coco['categories'] == [{'id': 1, 'name': 'yeast'}]
    printed = capsys.readouterr().out
    assert '1 objects cut by the image border, dropped: b_mas' in printed
    assert '1 objects of fewer than 2 pixels, dropped: b_masks.tif:2' in (
        printed
    )
    # Another rule makes all images anew, the same one none.
    assert _run(source, out, *options) == 0
    assert '(0 images converted' in capsys.readouterr().out
    assert _run(source, out) == 0
    assert '(3 images converted' in capsys.readouterr().out
    assert len(_json(out)['annotations']) == 5


def test_parallel_folders_zip_and_workers_give_the_same_bytes(
    source, tmp_path
):
    parallel = tmp_path / 'parallel' / 'train'
    for file in source.iterdir():
        name, kind = file.stem.split('_')
        folder = parallel / ('images' if kind == 'img' else 'masks')
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / f'{name}.tif')
    archive = tmp_path / 'set.zip'
    with zipfile.ZipFile(archive, 'w') as packed:
        for file in parallel.rglob('*.tif'):
            packed.write(file, file.relative_to(parallel.parent))
    results = []
    for src, workers in ((parallel.parent, 1), (archive, 2)):
        out = tmp_path / f'out{workers}'
        run = subprocess.run(
            [sys.executable, TOOL, src, out, '--workers', str(workers)],
            env={'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        assert '3/3' in run.stderr
        results.append(_bytes(out))
    assert results[0] == results[1]
    assert 'images/train/a.tif' in results[0]
    coco = json.loads(results[0]['annotations/instances.json'])
    assert coco['images'][0]['file_name'] == 'train/a.tif'


def test_an_interrupted_run_goes_on_where_it_was(
    source, tmp_path, monkeypatch, capsys
):
    assert _run(source, tmp_path / 'whole') == 0
    out, real, seen = tmp_path / 'out', tool.convert_labels, []

    def stop_at_third(tree, item, **keys):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(item.name)
        return real(tree, item, **keys)

    with monkeypatch.context() as patch:
        patch.setattr(tool, 'convert_labels', stop_at_third)
        assert _run(source, out) == 130
    assert not (out / 'annotations' / 'instances.json').exists()
    capsys.readouterr()
    assert _run(source, out) == 0
    assert '(1 images converted' in capsys.readouterr().out
    assert _bytes(out) == _bytes(tmp_path / 'whole')


def test_images_without_labels_are_left_out_kept_or_refused(
    source, tmp_path, capsys
):
    (source / 'a_masks.tif').unlink()
    (source / 'c_img.tif').unlink()
    out = tmp_path / 'out'
    assert _run(source, out) == 0
    printed = capsys.readouterr().out
    assert '1 images without a label, left out: a_img.tif' in printed
    assert '1 labels without an image, left out: c_masks.tif' in printed
    assert len(_json(out)['images']) == 1
    assert _run(source, out, '--unlabelled', 'empty') == 0
    assert '1 images without a label, kept as' in capsys.readouterr().out
    assert len(_json(out)['images']) == 2
    assert _run(source, out, '--unlabelled', 'error') == 2
    assert '1 image(s) have no label, first a_img.tif' in (
        capsys.readouterr().err
    )


def test_labels_of_another_size_stop_the_run_and_are_named(
    source, tmp_path, capsys
):
    tifffile.imwrite(source / 'a_masks.tif', CELLS['a'][1:])
    out = tmp_path / 'out'
    assert _run(source, out) == 2
    message = capsys.readouterr().err
    assert (
        '1 label images of another size than their image: a_masks.tif: '
        in (message)
    )
    assert '16x11 pixels, a_img.tif has 16x12' in message
    assert '--allow-bad' in message
    assert not (out / 'annotations' / 'instances.json').exists()
    assert _run(source, out, '--allow-bad') == 0
    assert [image['id'] for image in _json(out)['images']] == [2, 3]
    assert not (out / 'images' / 'a_img.tif').exists()


def test_binary_masks_are_refused_with_the_right_tool(
    source, tmp_path, capsys
):
    for name in ('a', 'b'):
        tifffile.imwrite(
            source / f'{name}_masks.tif', (CELLS[name] > 0).astype(np.uint8)
        )
    out = tmp_path / 'out'
    assert _run(source, out) == 2
    message = capsys.readouterr().err
    assert '2 of 3 label images have one number' in message
    assert 'binary_masks.py with --objects components' in message
    assert not (out / 'annotations' / 'instances.json').exists()
    assert _run(source, out, '--single-labels') == 0
    captured = capsys.readouterr()
    assert len(_json(out)['annotations']) == 2
    assert 'warning: 2 of 2 objects are of several components' in captured.err


def test_no_pair_and_no_source(source, tmp_path, capsys):
    out = tmp_path / 'out'
    assert _run(source, out, '--mask-suffix', '_gt') == 2
    assert 'no image with a label of its name' in capsys.readouterr().err
    assert _run(tmp_path / 'none', out) == 2
    assert 'none does not exist' in capsys.readouterr().err
    assert not out.exists()


def test_blank_labels_alone_are_warned_of(source, tmp_path, capsys):
    for name in ('a', 'b'):
        tifffile.imwrite(source / f'{name}_masks.tif', CELLS['c'])
    assert _run(source, tmp_path / 'out') == 0
    assert 'warning: no objects at all were found' in capsys.readouterr().err


def test_real_nuclei_come_back_from_label_images(shared_data, tmp_path):
    """Masks of BBBC038 painted into label images, and read back."""
    source, wanted = tmp_path / 'set', []
    source.mkdir()
    with zipfile.ZipFile(shared_data / 'bbbc038_stage1_train.zip') as archive:
        names = archive.namelist()
        images = sorted(name for name in names if '/images/' in name)[:3]
        for image in images:
            key = image.split('/')[-3]
            masks = sorted(n for n in names if f'{key}/masks/' in n)
            masks = [n for n in masks if n.endswith('.png')]
            with archive.open(image) as file:
                pixels = Image.open(file).convert('RGB')
            pixels.save(source / f'{key}_img.png')
            labels = np.zeros((pixels.height, pixels.width), np.int32)
            for number, mask in enumerate(masks, 1):
                with archive.open(mask) as file:
                    labels[np.asarray(Image.open(file)) > 0] = number
            tifffile.imwrite(source / f'{key}_masks.tif', labels)
            wanted += [labels == n for n in range(1, len(masks) + 1)]
    assert _run(source, tmp_path / 'out') == 0
    annotations = _json(tmp_path / 'out')['annotations']
    assert len(annotations) == len(wanted) > 20
    for annotation, mask in zip(annotations, wanted):
        np.testing.assert_array_equal(
            rle_tools.decode(annotation['segmentation']), mask
        )


def test_mmdet_loads_the_result(source, tmp_path):
    from mmdet.datasets import CocoDataset
    from mmdet.datasets.transforms import LoadAnnotations

    from cupre_mm.datasets.transforms import LoadCellImage

    assert _run(source, tmp_path / 'out') == 0
    dataset = CocoDataset(
        ann_file='annotations/instances.json',
        data_root=str(tmp_path / 'out'),
        data_prefix={'img': 'images/'},
        metainfo={'classes': ('cell',)},
        pipeline=[
            {'type': LoadCellImage},
            {'type': LoadAnnotations, 'with_mask': True},
        ],
        test_mode=True,
    )
    assert len(dataset) == 3
    sample = dataset[1]
    assert sample['img'].dtype == np.uint16
    np.testing.assert_array_equal(sample['img'][..., 0], _image('b'))
    masks = sample['gt_masks'].to_ndarray()
    np.testing.assert_array_equal(
        masks, [number == CELLS['b'] for number in (1, 2, 3)]
    )
    assert len(dataset[2]['gt_bboxes']) == 0
