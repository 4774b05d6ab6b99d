import pytest

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.errors import BadConfigError


def test_replaces_the_target_and_leaves_no_part(tmp_path):
    target = tmp_path / 'new' / 'file.bin'
    write_atomically(target, b'old')
    write_atomically(target, b'new')
    assert target.read_bytes() == b'new'
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / 'file.bin'
    write_atomically(target, b'old')

    def fail(*args):
        raise OSError('disk full')

    monkeypatch.setattr('os.replace', fail)
    with pytest.raises(OSError, match='disk full'):
        write_atomically(target, b'new')
    assert target.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path):
    (tmp_path / 'out').write_text('a file')
    with pytest.raises(BadConfigError, match=r'out: a file of that name'):
        write_atomically(tmp_path / 'out' / 'file.bin', b'')
