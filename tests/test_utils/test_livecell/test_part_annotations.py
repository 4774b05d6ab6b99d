import json
from pathlib import Path
from typing import Any

import pytest

from cupre_mm.utils.coco_json import canonical_json, read_coco
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.livecell.part_annotations import (
    PartItem,
    categories,
    write_part,
)
from cupre_mm.utils.livecell.source_files import SourceFile

A, B, C = (
    f'{kind}_Phase_C7_1_02d16h00m_2.tif' for kind in ('A172', 'BV2', 'SKOV3')
)


def _cell(image_id: Any, left: float = 3, **more) -> dict:
    polygon = [left, 4, left + 8.25, 4, left + 8.25, 10, left, 10]
    return {
        'id': 100 + left,
        'image_id': image_id,
        'category_id': 4,
        'segmentation': [polygon],
        'bbox': [left, 4, 8.25, 6],
        'area': 49.5,
        'iscrowd': 0,
        **more,
    }


def _write(
    folder: Path,
    files: list[tuple[dict[str, str], Any]],
    wanted: tuple[str, ...] = (A, B),
    by_cell_type: bool = False,
) -> tuple[dict, dict]:
    sources = []
    for number, (_, annotations) in enumerate(files):
        path = folder / f'source{number}.json'
        path.write_text(json.dumps({'annotations': annotations}))
        sources.append(SourceFile(folder, path.name, 1, '', False))
    images = tuple(
        {
            'id': number,
            'file_name': name,
            'height': 52,
            'width': 70,
            'cell_type': name.split('_')[0],
        }
        for number, name in enumerate(wanted, 11)
    )
    names = tuple(name_of for name_of, _ in files)
    item = PartItem('val', tuple(sources), names, images, by_cell_type, 'x')
    record = write_part(None, item, folder)
    coco, digest = read_coco(folder / record['file'])
    assert digest == record['sha256']
    return record, coco


@pytest.mark.parametrize('keyed', [True, False])
def test_cells_go_to_the_image_of_that_name(tmp_path, keyed):
    cells = [_cell(5), _cell('6', 20), _cell(5, 40)]
    content = {str(c['id']): c for c in cells} if keyed else cells
    record, coco = _write(tmp_path, [({'5': A, '6': B}, content)])
    assert record['file'] == 'livecell_coco_val.json'
    assert record['cells'] == {A: 2, B: 1}
    assert record['bytes'] == (tmp_path / record['file']).stat().st_size
    assert [
        (a['id'], a['image_id'], a['bbox'][0], a['category_id'])
        for a in coco['annotations']
    ] == [(1, 11, 3, 1), (2, 12, 20, 1), (3, 11, 40, 1)]
    assert coco['categories'] == [{'id': 1, 'name': 'cell'}]
    assert coco['images'][1] == {
        'id': 12,
        'file_name': B,
        'height': 52,
        'width': 70,
        'cell_type': 'BV2',
    }
    assert (tmp_path / record['file']).read_bytes() == canonical_json(coco)


def test_files_of_one_type_each_may_use_the_same_ids(tmp_path):
    record, coco = _write(
        tmp_path,
        [({'1': A}, {'1': _cell(1)}), ({'1': B}, {'1': _cell(1, 9)})],
        by_cell_type=True,
    )
    assert record['cells'] == {A: 1, B: 1}
    assert [(a['id'], a['image_id']) for a in coco['annotations']] == [
        (1, 11),
        (2, 12),
    ]
    names = {c['id']: c['name'] for c in coco['categories']}
    assert [names[a['category_id']] for a in coco['annotations']] == [
        'A172',
        'BV2',
    ]


def test_cells_of_images_that_are_not_wanted_are_passed_over(tmp_path):
    record, coco = _write(
        tmp_path, [({'1': A, '2': C}, [_cell(1), _cell(2)])], (A,)
    )
    assert record['cells'] == {A: 1}
    assert len(coco['annotations']) == 1


def test_an_image_without_cells_stays(tmp_path):
    record, coco = _write(tmp_path, [({'1': A, '2': B}, [_cell(1)])])
    assert record['cells'] == {A: 1, B: 0}
    assert len(coco['images']) == 2


def test_odd_cells_are_counted_and_the_first_twenty_named(tmp_path):
    cells = [_cell(1, 5, segmentation=[]) for _ in range(30)]
    cells += [_cell(1, 30), _cell(1, 30, id=8), _cell(2, 30, id=9)]
    cells += [_cell(1, 63)]
    record, coco = _write(tmp_path, [({'1': A, '2': B}, cells)])
    problems = record['problems']
    assert problems['empty_masks']['count'] == 30
    assert problems['empty_masks']['first'] == [f'{A}: 105'] * 20
    assert problems['duplicates'] == {'count': 1, 'first': [f'{A}: 8']}
    assert problems['boxes_clipped'] == {'count': 1, 'first': [f'{A}: 163']}
    assert record['cells'] == {A: 2, B: 1}
    assert [a['id'] for a in coco['annotations']] == [1, 2, 3]


def test_cells_of_no_image_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(
        BadDataError, match=r'source0.json: 2 annotation.* 7, None'
    ):
        _write(tmp_path, [({'1': A}, [_cell(7), _cell(1), _cell(None)])])
    assert [p.name for p in tmp_path.iterdir()] == ['source0.json']


def test_a_file_that_is_cut_off_leaves_nothing(tmp_path):
    source = tmp_path / 'a.json'
    source.write_text(json.dumps({'annotations': [_cell(1)] * 9})[:-30])
    item = PartItem(
        'test', (SourceFile(tmp_path, 'a.json', 1, '', False),), ({'1': A},),
        ({'id': 1, 'file_name': A, 'height': 52, 'width': 70,
          'cell_type': 'A172'},), False, '',
    )  # fmt: skip
    with pytest.raises(BadDataError, match=r'a.json is not valid json'):
        write_part(None, item, tmp_path)
    assert list(tmp_path.iterdir()) == [source]


def test_eight_categories_in_the_order_of_the_paper():
    assert categories(True)[0] == {'id': 1, 'name': 'A172'}
    assert categories(True)[7] == {'id': 8, 'name': 'SKOV3'}
