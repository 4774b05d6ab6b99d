import json
import logging
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.packed_annotations import annotation_cache
from cupre_mm.utils.packed_annotations.annotation_cache import open_annotations

COCO = {
    'images': [{'id': 4, 'file_name': 'a.tif', 'height': 50, 'width': 60}],
    'annotations': [
        {
            'id': number,
            'image_id': 4,
            'category_id': 1,
            'bbox': [1, 2, 10, 10.5],
            'area': 60.0,
            'segmentation': [[1, 2.25, 11.0, 2, 11, 12.5]],
        }
        for number in range(40)
    ],
    'categories': [{'id': 1, 'name': 'cell'}],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, and no setting of this machine."""
    folder = tmp_path / 'home'
    monkeypatch.setenv('XDG_CACHE_HOME', str(folder))
    monkeypatch.delenv('CUPRE_ANNOTATION_CACHE', raising=False)
    return folder


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(
        annotation_cache,
        'print_log',
        lambda message, logger, level: lines.append(message),
    )
    return lines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / 'data'
    folder.mkdir()
    path = folder / 'cells[1].json'
    path.write_text(json.dumps(COCO))
    return path


def _check(found) -> None:
    assert found.summary.images == COCO['images']
    assert found.packed.of_image(0) == COCO['annotations']


def _packed_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob('*.packed'))


def test_second_load_is_a_hit_and_parses_nothing(path, logged, monkeypatch):
    _check(open_annotations(path, cache=True))
    (file,) = _packed_in(path.parent)
    assert file.parent == path.parent / '.cupre_cache'
    assert 'annotation cache miss: parsing' in logged[0]
    size = f'{file.stat().st_size / 2**20:.1f} MiB of disk'
    assert str(file) in logged[1]
    assert size in logged[1]
    monkeypatch.setattr(annotation_cache, 'pack_coco', None)
    found = open_annotations(str(path), cache=True)
    _check(found)
    assert found.packed.num_bytes == file.stat().st_size
    assert len(logged) == 3
    assert 'annotation cache hit' in logged[2]
    assert str(path) in logged[2]
    assert not list(path.parent.rglob('*.part'))


def test_changed_json_is_packed_anew_whatever_its_time(path, logged):
    open_annotations(path, cache=True)
    before = path.stat()
    changed = json.dumps(COCO).replace('10.5', '11.5')
    path.write_text(changed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = open_annotations(path, cache=True)
    assert found.packed.of_image(0)[0]['bbox'] == [1, 2, 10, 11.5]
    assert len(_packed_in(path.parent)) == 2
    assert '1 of earlier versions of the json lie beside it' in logged[-1]
    path.write_text(json.dumps(COCO))
    _check(open_annotations(path, cache=True))
    assert 'hit' in logged[-1]


@pytest.mark.parametrize(
    'damage',
    [
        lambda data: b'',
        lambda data: data[:-7],
        lambda data: data[: len(data) // 2],
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
        lambda data: data.replace(b'cupreC', b'cupreX'),
        lambda data: b'\0' * len(data),
    ],
)
def test_damaged_cache_is_said_and_made_anew(path, logged, damage):
    open_annotations(path, cache=True)
    (file,) = _packed_in(path.parent)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    del logged[:]
    _check(open_annotations(path, cache=True))
    assert f'{file} is' in logged[0]
    assert 'made anew' in logged[0]
    assert len([line for line in logged if 'made anew' in line]) == 1
    assert file.read_bytes() == whole


def test_small_files_make_no_cache_unless_told(path, monkeypatch, tmp_path):
    _check(open_annotations(path))
    assert not _packed_in(tmp_path)
    monkeypatch.setattr(annotation_cache, 'SMALLEST_CACHED', 10)
    _check(open_annotations(path, cache=False))
    assert not _packed_in(tmp_path)
    assert sorted(path.parent.iterdir()) == [path]
    _check(open_annotations(path))
    assert len(_packed_in(path.parent)) == 1


@pytest.mark.parametrize('word', ['off', 'OFF', '0', 'no', 'false'])
def test_environment_turns_it_off(path, monkeypatch, tmp_path, word):
    monkeypatch.setattr(annotation_cache, 'SMALLEST_CACHED', 10)
    monkeypatch.setenv('CUPRE_ANNOTATION_CACHE', word)
    _check(open_annotations(path))
    assert not _packed_in(tmp_path)
    # What a config says comes first.
    _check(open_annotations(path, cache=True))
    assert len(_packed_in(path.parent)) == 1


def test_folder_by_argument_and_by_environment(path, monkeypatch, tmp_path):
    _check(open_annotations(path, cache=str(tmp_path / 'one')))
    assert len(_packed_in(tmp_path / 'one')) == 1
    monkeypatch.setenv('CUPRE_ANNOTATION_CACHE', str(tmp_path / 'two'))
    _check(open_annotations(path))
    assert len(_packed_in(tmp_path / 'two')) == 1
    assert not (path.parent / '.cupre_cache').exists()


def test_where_nobody_may_write_the_users_folder_is_taken(
    path, logged, home, monkeypatch
):
    # A file in the way: root may write into any folder.
    (path.parent / '.cupre_cache').write_text('')
    _check(open_annotations(path, cache=True))
    (file,) = _packed_in(home)
    assert f'cannot write to {path.parent / ".cupre_cache"}' in logged[0]
    assert str(file) in logged[-1]
    monkeypatch.setattr(annotation_cache, 'pack_coco', None)
    _check(open_annotations(path, cache=True))
    assert 'hit' in logged[-1]


def test_where_no_folder_can_be_written_all_stays_in_memory(
    path, logged, home
):
    (path.parent / '.cupre_cache').write_text('')
    home.write_text('')
    _check(open_annotations(path, cache=True))
    assert len([line for line in logged if 'cannot write' in line]) == 2
    assert 'stays in memory' in logged[-1]


def test_a_full_disk_leaves_nothing_behind(path, logged, home, monkeypatch):
    pack = annotation_cache.pack_coco

    def fill_up(path, out, digest, name):
        if hasattr(out, 'fileno') and not hasattr(out, 'getvalue'):
            out.write(b'some')
            raise OSError(28, 'No space left on device')
        pack(path, out, digest, name)

    monkeypatch.setattr(annotation_cache, 'pack_coco', fill_up)
    _check(open_annotations(path, cache=True))
    assert 'No space left' in ''.join(logged)
    for folder in (path.parent, home):
        assert not list(folder.rglob('*.part'))
        assert not _packed_in(folder)


def test_remains_of_a_run_that_was_cut_off_are_removed(path):
    open_annotations(path, cache=True)
    (file,) = _packed_in(path.parent)
    file.unlink()
    old = file.with_name(f'.{file.name}.abc.part')
    new = file.with_name(f'.{file.name}.def.part')
    for part in (old, new):
        part.write_bytes(b'half')
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    open_annotations(path, cache=True)
    assert not old.exists()
    assert new.exists()


def test_copy_of_a_remote_file_is_cached_for_its_address(path, logged, home):
    address = 's3://bucket/cells.json'
    _check(open_annotations(path, cache=True, address=address))
    assert len(_packed_in(home)) == 1
    assert address in logged[0]
    assert not (path.parent / '.cupre_cache').exists()


def test_bad_json_leaves_nothing_behind(path):
    path.write_text('{"images": [')
    with pytest.raises(BadDataError, match=r'cells\[1\]\.json is not valid'):
        open_annotations(path, cache=True)
    assert not list(path.parent.rglob('*.part'))
    assert not _packed_in(path.parent)


def test_json_that_changes_while_it_is_read_is_refused(path, monkeypatch):
    pack = annotation_cache.pack_coco

    def pack_and_change(path, out, digest, name):
        pack(path, out, digest, name)
        path.write_text(json.dumps(COCO) + ' ')

    monkeypatch.setattr(annotation_cache, 'pack_coco', pack_and_change)
    with pytest.raises(BadDataError, match='changed while it was read'):
        open_annotations(path, cache=True)
    assert not _packed_in(path.parent)


def _open_and_tell(path, start, results) -> None:
    lines: list[str] = []
    annotation_cache.print_log = lambda message, logger, level: lines.append(
        message
    )
    pack = annotation_cache.pack_coco

    def pack_slowly(*args):
        time.sleep(0.3)
        pack(*args)

    annotation_cache.pack_coco = pack_slowly
    start.wait()
    found = open_annotations(path, cache=True)
    results.put((found.packed.of_image(0), lines))


@pytest.mark.distributed
def test_of_several_processes_one_packs_and_all_read(path):
    context = multiprocessing.get_context('fork')
    start, results = context.Barrier(4), context.Queue()
    processes = [
        context.Process(target=_open_and_tell, args=(path, start, results))
        for _ in range(4)
    ]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert all(annotations == COCO['annotations'] for annotations, _ in found)
    text = [line for _, lines in found for line in lines]
    assert len([line for line in text if 'miss' in line]) == 1
    assert len([line for line in text if 'hit' in line]) == 3
    assert len(_packed_in(path.parent)) == 1


def test_without_locks_processes_do_double_work_and_no_harm(
    path, logged, monkeypatch
):
    class NoLock:
        def __init__(self, path):
            pass

        def acquire(self, timeout=None):
            raise NotImplementedError('no locks here')

        def release(self):
            pass

    monkeypatch.setattr(annotation_cache, 'FileLock', NoLock)
    _check(open_annotations(path, cache=True))
    _check(open_annotations(path, cache=True))
    assert 'hit' in logged[-1]


def test_logging_levels_are_those_of_mmengine(path, monkeypatch):
    levels: list[int] = []
    monkeypatch.setattr(
        annotation_cache,
        'print_log',
        lambda message, logger, level: levels.append(level),
    )
    (path.parent / '.cupre_cache').write_text('')
    open_annotations(path, cache=True)
    assert levels == [logging.WARNING, logging.INFO, logging.INFO]
