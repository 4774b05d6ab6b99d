import pytest

from cupre_mm.utils.streamed_write import written_whole


def test_the_file_appears_at_the_end_and_nothing_else(tmp_path):
    target = tmp_path / 'new' / 'Zellen_ü.txt'
    with written_whole(target) as part:
        part.write_text('cells')
        assert not target.exists()
    assert target.read_text() == 'cells'
    assert list(target.parent.iterdir()) == [target]


def write_half(target):
    with written_whole(target) as part:
        part.write_text('half')
        raise OSError('full')


def test_an_error_leaves_the_older_file(tmp_path):
    target = tmp_path / 'a.txt'
    target.write_text('old')
    with pytest.raises(OSError, match='full'):
        write_half(target)
    assert target.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [target]
