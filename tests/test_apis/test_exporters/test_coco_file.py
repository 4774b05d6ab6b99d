import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from cupre_mm.apis.exporters import CocoFile, write_coco
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.errors import BadDataError
from tests.segmented_cells import odd_cells


def test_pycocotools_reads_the_masks_and_scores(tmp_path):
    cells = odd_cells(('nucleus', 'Zelle ü'))
    coco = COCO(write_coco(cells, tmp_path / 'ü.json', source=SourceInfo()))
    entries = coco.loadAnns(coco.getAnnIds())
    assert len(entries) == len(cells)
    labels = cells.label_image()
    for i, entry in enumerate(entries):
        assert (coco.annToMask(entry) == (labels == i + 1)).all()
        assert np.float32(entry['score']) == cells.scores[i]
        assert entry['area'] == cells.masks[i].area
        name = coco.loadCats(entry['category_id'])[0]['name']
        assert name == ('nucleus', 'Zelle ü')[i % 2]


def test_images_of_a_run_share_one_file(tmp_path):
    path = tmp_path / 'all.json'
    cells = odd_cells()
    with CocoFile(path) as file:
        file.add(cells, 'a.png')
        file.add(cells, 'folder/b.png')
        assert not path.exists()
        file.finish()
    read = json.loads(path.read_text())
    assert [i['file_name'] for i in read['images']] == [
        'a.png',
        'folder/b.png',
    ]
    ids = [entry['id'] for entry in read['annotations']]
    assert ids == list(range(1, 2 * len(cells) + 1))
    assert {e['image_id'] for e in read['annotations']} == {1, 2}


def test_a_file_without_finish_is_not_there(tmp_path):
    with CocoFile(tmp_path / 'a.json') as file:
        file.add(odd_cells(), 'a.png')
    assert list(tmp_path.iterdir()) == []


def test_other_classes_are_refused(tmp_path):
    with CocoFile(tmp_path / 'a.json') as file:
        file.add(odd_cells(('a',)), 'a.png')
        with pytest.raises(BadDataError, match='classes'):
            file.add(odd_cells(('b',)), 'b.png')
