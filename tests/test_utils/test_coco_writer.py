from pathlib import Path

import pytest

from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.coco_writer import CocoWriter

ENTRIES = [
    {'id': 1, 'bbox': [1.5, 2, 3.25, 4], 'area': 0.1},
    {'id': '2', 'segmentation': [[1, 2, 3.0, 4, 5, 6e-3]], 'iscrowd': 0},
]


@pytest.mark.parametrize('count', [0, 1, 2])
def test_what_is_written_has_the_bytes_of_canonical_json(tmp_path, count):
    rest = dict(images=[{'id': 3}], categories=[], info={'a': 'ö'})
    with CocoWriter(tmp_path / 'new' / 'out.json') as writer:
        for entry in ENTRIES[:count]:
            writer.add(entry)
        digest = writer.finish(**rest)
    written = (tmp_path / 'new' / 'out.json').read_bytes()
    assert written == canonical_json({**rest, 'annotations': ENTRIES[:count]})
    assert writer.annotations == count
    assert len(digest) == 64


def test_a_writer_that_is_left_early_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / 'out.json'
    path.write_text('old')
    with CocoWriter(path) as writer:
        writer.add(ENTRIES[0])
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
