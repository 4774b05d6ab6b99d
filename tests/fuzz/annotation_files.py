"""Annotation json, through all that reads it."""

import contextlib
import functools
import io
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from hypothesis import strategies as st

from cupre_mm.utils.coco_json import canonical_json, read_coco, take_images
from cupre_mm.utils.json_stream import read_entries, read_list
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.packed_annotations.annotation_cache import open_annotations
from tests.fuzz.odd_values import json_files, mutated
from tests.fuzz.targets import Target, quiet

HEIGHT, WIDTH = 24, 32
_RUNS = {'size': [HEIGHT, WIDTH], 'counts': [5, 10, 100, 3, 650]}
# The same, compressed.
_CODE = {'size': [HEIGHT, WIDTH], 'counts': '5:T3IVa0'}


def _document() -> dict[str, Any]:
    polygon = [4, 4, 12.5, 4, 12.5, 14, 4, 14]
    entry = dict(image_id=1, category_id=1, area=85.0, iscrowd=0)
    boxed = dict(entry, bbox=[4, 4, 8.5, 10])
    return {
        'info': {'description': 'cells'},
        'images': [
            dict(id=1, file_name='a.png', height=HEIGHT, width=WIDTH),
            dict(
                id=2,
                file_name='b.tif',
                height=HEIGHT,
                width=WIDTH,
                cell_type='A172',
            ),
        ],
        'annotations': [
            dict(boxed, id=1, segmentation=[polygon]),
            dict(boxed, id=2, segmentation=[polygon, [1, 1, 9, 1, 9, 9]]),
            dict(boxed, id=3, image_id=2, segmentation=_RUNS, iscrowd=1),
            dict(boxed, id=4, image_id=2, segmentation=_CODE, category_id=2),
        ],
        'categories': [dict(id=1, name='cell'), dict(id=2, name='debris')],
    }


def _masks() -> st.SearchStrategy[Any]:
    """Segmentations, good and bad; run-length codes are what breaks C."""
    letters = st.characters(min_codepoint=44, max_codepoint=115)
    counts = st.one_of(
        st.text(letters, max_size=12),
        st.lists(st.integers(-5, 900), max_size=6),
        st.lists(st.floats(), max_size=4),
        st.sampled_from(('\u00e9', 'a\0b', '\ud800', None, 7)),
    )
    sides = st.one_of(
        st.just([HEIGHT, WIDTH]),
        st.lists(
            st.sampled_from((HEIGHT, WIDTH, 0, -1, 1e9, 2**40)), max_size=3
        ),
    )
    numbers = st.one_of(
        st.integers(-50, 50),
        st.floats(),
        st.sampled_from((1e18, -1e300, 2**70, '4', None, True)),
    )
    return st.one_of(
        st.fixed_dictionaries({'size': sides, 'counts': counts}),
        st.lists(st.lists(numbers, max_size=9), max_size=3),
        st.lists(numbers, max_size=9),
    )


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """COCO documents with a few parts changed."""
    base = _document()
    if draw(st.integers(0, 2)) == 0:
        number = draw(st.integers(0, 3))
        base['annotations'][number]['segmentation'] = draw(_masks())
    return draw(mutated(base))


@functools.cache
def _set(folder: Path) -> Path:
    """A folder with the two images of the documents."""
    root = folder / 'set'
    (root / 'images').mkdir(parents=True)
    pixels = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    cv2.imwrite(str(root / 'images/a.png'), pixels)
    tifffile.imwrite(root / 'images/b.tif', pixels)
    return root


def _written(data: bytes, folder: Path) -> Path:
    path = _set(folder) / 'annotations.json'
    path.write_bytes(data)
    return path


def _read_whole(data: bytes, folder: Path) -> None:
    coco, _ = read_coco(_written(data, folder))
    part = take_images(coco, coco['images'][:1])
    # What was read can be written.
    canonical_json(part)


def _read_as_stream(data: bytes, folder: Path) -> None:
    path = _written(data, folder)
    for key in ('images', 'categories'):
        read_list(lambda: path.open('rb'), key, path)
    list(read_entries(lambda: path.open('rb'), 'annotations', path))


def _pack(data: bytes, folder: Path) -> None:
    path = _written(data, folder)
    summary, packed = open_annotations(path, cache=False)
    coco = json.loads(data)
    images = {image['id']: n for n, image in enumerate(summary.images)}
    entries = coco['annotations']
    if isinstance(entries, dict):
        entries = list(entries.values())
    for image_id, place in images.items():
        expected = [e for e in entries if e['image_id'] == image_id]
        # As text, for NaN is not equal to itself.
        assert json.dumps(
            packed.of_image(place), sort_keys=True
        ) == json.dumps(expected, sort_keys=True)


def _build_dataset(data: bytes, folder: Path) -> None:
    from cupre_mm.datasets import CheckedCocoDataset

    path = _written(data, folder)
    dataset = CheckedCocoDataset(
        ann_file=str(path),
        data_prefix=dict(img=str(path.parent / 'images') + '/'),
        metainfo=dict(classes=('cell',)),
        cache=False,
        pipeline=_pipeline(),
        filter_cfg=dict(filter_empty_gt=True, min_size=1),
    )
    for index in range(len(dataset)):
        dataset[index]


def _pipeline() -> list[Any]:
    from mmdet.datasets import transforms as of_mmdet
    from mmengine.registry import init_default_scope

    from cupre_mm.datasets.transforms import (
        LoadCellImage,
        PercentileNormalize,
    )

    init_default_scope('mmdet')
    return [
        LoadCellImage(),
        PercentileNormalize(),
        of_mmdet.LoadAnnotations(with_bbox=True, with_mask=True),
        of_mmdet.Resize(scale=(WIDTH * 2, HEIGHT * 2), keep_ratio=True),
        of_mmdet.PackDetInputs(),
    ]


def _convert(data: bytes, folder: Path) -> None:
    from tools.dataset_converters import coco

    _written(data, folder)
    out = folder / 'converted'
    shutil.rmtree(out, ignore_errors=True)
    with quiet():
        converted = coco.convert(
            _set(folder),
            out,
            rules=ObjectRules(fill_holes=True),
            allow_bad=True,
        )
    if converted.annotations:
        # What a converter writes is what training reads.
        path = out / 'annotations' / 'instances.json'
        read_coco(path)


def _convert_livecell(data: bytes, folder: Path) -> None:
    from cupre_mm.utils.livecell.image_lists import read_part
    from cupre_mm.utils.livecell.part_annotations import PartItem, write_part
    from cupre_mm.utils.livecell.source_files import find_files

    root = folder / 'livecell'
    root.mkdir(exist_ok=True)
    (root / 'livecell_coco_train.json').write_bytes(data)
    out = folder / 'livecell_out'
    out.mkdir(exist_ok=True)
    with quiet():
        sources = tuple(find_files([root], out).full['train'])
        part = read_part(sources)
        ids = part.new_ids(part.ids)
        images = tuple(
            dict(
                id=ids[name],
                file_name=name,
                height=HEIGHT,
                width=WIDTH,
                cell_type='A172',
            )
            for name in part.ids
        )
        item = PartItem(
            'train', sources, tuple(part.name_of), images, False, ''
        )
        write_part(None, item, out)
    open_annotations(out / item.file_name, cache=False)


@st.composite
def _livecell_documents(draw: st.DrawFn) -> Any:
    base = _document()
    for number, image in enumerate(base['images']):
        image['file_name'] = f'A172_Phase_C7_1_0{number}d16h00m_2.tif'
    if draw(st.integers(0, 2)) == 0:
        base['annotations'][0]['segmentation'] = draw(_masks())
    if draw(st.booleans()):
        entries = base['annotations']
        base['annotations'] = {str(entry['id']): entry for entry in entries}
    return draw(mutated(base))


def _load_ground_truth(data: bytes, folder: Path) -> None:
    from cupre_mm.evaluation.coco_annotations import load_annotations

    path = _written(data, folder)
    with contextlib.redirect_stdout(io.StringIO()):
        load_annotations(str(path))


_FILES = json_files(documents())
TARGETS = (
    Target('coco_read', '.json', _FILES, _read_whole),
    Target('coco_stream', '.json', _FILES, _read_as_stream),
    Target('coco_pack', '.json', _FILES, _pack),
    Target('coco_dataset', '.json', _FILES, _build_dataset),
    Target('coco_converter', '.json', _FILES, _convert),
    Target(
        'livecell_converter',
        '.json',
        json_files(_livecell_documents()),
        _convert_livecell,
    ),
    Target('ground_truth', '.json', _FILES, _load_ground_truth),
)
