from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from PIL import Image

from cupre_mm.utils import resumable
from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.mask_files import Item
from cupre_mm.utils.resumable import JOURNAL, convert_resumable, read_journal


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / 'src'
    folder.mkdir()
    items = []
    for index in range(5):
        name = f'img{index}'
        pixels = np.full((4, 4, 3), index, np.uint8)
        Image.fromarray(pixels).save(folder / f'{name}.png')
        items.append(Item(name, f'{name}.png', (), f'print{index}'))
    with open_source(folder) as tree:
        yield tree, items


def test_parallel_and_serial_records_agree(source, tmp_path):
    tree, items = source
    one, count = convert_resumable(tree, items, tmp_path / 'one', 1)
    two, _ = convert_resumable(tree, items, tmp_path / 'two', 2)
    assert count == 5
    assert one == two
    for item in items:
        name = f'images/{item.name}.png'
        assert (tmp_path / 'one' / name).read_bytes() == (
            tmp_path / 'two' / name
        ).read_bytes()


def test_only_changed_and_lost_images_are_redone(source, tmp_path):
    tree, items = source
    convert_resumable(tree, items, tmp_path, 1)
    assert convert_resumable(tree, items, tmp_path, 1)[1] == 0
    (tmp_path / 'images' / 'img1.png').unlink()
    items[3] = items[3]._replace(fingerprint='changed')
    records, count = convert_resumable(tree, items, tmp_path, 1)
    assert count == 2
    assert records['img3']['fingerprint'] == 'changed'


def test_a_cut_off_journal_line_is_redone(source, tmp_path):
    tree, items = source
    whole, _ = convert_resumable(tree, items, tmp_path, 1)
    journal = tmp_path / 'annotations' / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-9])
    assert len(read_journal(journal)) == 4
    records, count = convert_resumable(tree, items, tmp_path, 1)
    assert count == 1
    assert records == read_journal(journal) == whole


def test_images_that_left_the_source_leave_the_journal(source, tmp_path):
    tree, items = source
    convert_resumable(tree, items, tmp_path, 1)
    records, count = convert_resumable(tree, items[:2], tmp_path, 1)
    assert (len(records), count) == (2, 0)
    assert len(read_journal(tmp_path / 'annotations' / JOURNAL)) == 2


def test_a_killed_worker_is_an_error_that_says_what_to_do(
    source, tmp_path, monkeypatch
):
    tree, items = source

    class Pool:
        def __init__(self, *args):
            pass

        def map(self, function, items):
            raise BrokenProcessPool

        def shutdown(self, cancel_futures):
            assert cancel_futures

    monkeypatch.setattr(resumable, 'ProcessPoolExecutor', Pool)
    with pytest.raises(BadConfigError, match='--workers 1'):
        convert_resumable(tree, items, tmp_path, 2)
