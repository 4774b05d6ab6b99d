from pathlib import Path

import pytest

from cupre_mm.apis.run_journal import (
    JOURNAL,
    RunJournal,
    describe_output,
    is_as_written,
    set_aside,
)

CONTENT = b'cells' * 10


@pytest.fixture
def label(tmp_path: Path) -> Path:
    path = tmp_path / 'label' / 'a.tif'
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def record(out: Path, path: Path, name: str = 'a.png', **changes) -> dict:
    made = {
        'name': name,
        'file': name,
        'stem': 'a',
        'fingerprint': 'f',
        'outputs': {'label': describe_output(out, path)},
    }
    return {**made, **changes}


def test_a_later_run_reads_what_an_earlier_one_has_done(tmp_path, label):
    journal = RunJournal(tmp_path)
    assert journal.is_new
    journal.start()
    first = record(tmp_path, label)
    journal.append(first)
    later = RunJournal(tmp_path)
    assert not later.is_new
    assert later.records_of('a.png') == [first]
    assert later.records_of('b.png') == []


def test_half_a_line_of_a_killed_run_is_dropped(tmp_path, label):
    journal = RunJournal(tmp_path)
    journal.start()
    journal.append(record(tmp_path, label))
    whole = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(whole + whole[:20])
    later = RunJournal(tmp_path)
    later.start()
    assert (tmp_path / JOURNAL).read_bytes() == whole


@pytest.mark.parametrize('content', [b'', CONTENT[:-1], b'x' + CONTENT[1:]])
def test_results_that_are_not_as_they_were_written(tmp_path, label, content):
    journal = RunJournal(tmp_path)
    journal.append(record(tmp_path, label))
    assert len(journal.whole_records('a.png', 'f')) == 1
    label.write_bytes(content)
    assert journal.whole_records('a.png', 'f') == []


def test_results_of_other_settings_or_that_are_gone(tmp_path, label):
    journal = RunJournal(tmp_path)
    journal.append(record(tmp_path, label))
    assert journal.whole_records('a.png', 'g') == []
    label.unlink()
    assert journal.whole_records('a.png', 'f') == []


def test_stems_of_other_files(tmp_path, label):
    journal = RunJournal(tmp_path)
    for name, stem in (('b.png', 'b'), ('a.png', 'a'), ('c.png', 'c')):
        journal.append(record(tmp_path, label, name, stem=stem))
    assert journal.stems_of_others(['a.png', 'x.png']) == ['b', 'c']


def test_forgotten_records_are_gone_from_the_file(tmp_path, label):
    journal = RunJournal(tmp_path)
    journal.append(record(tmp_path, label))
    journal.append(record(tmp_path, label, 'b.png'))
    journal.forget(['a.png', 'unknown.png'])
    later = RunJournal(tmp_path)
    assert later.records_of('a.png') == []
    assert len(later.records_of('b.png')) == 1


def test_an_output_is_described_by_place_size_and_content(tmp_path, label):
    output = describe_output(tmp_path, label)
    assert output['path'] == 'label/a.tif'
    assert output['bytes'] == len(CONTENT)
    assert is_as_written(tmp_path, output)


def test_an_unchanged_result_makes_room(tmp_path, label):
    assert set_aside(tmp_path, describe_output(tmp_path, label)) is None
    assert not label.exists()
    # And one that is gone already is no error.
    output = {'path': 'label/a.tif', 'bytes': 1, 'sha256': ''}
    assert set_aside(tmp_path, output) is None


def test_edited_results_are_kept_each_under_its_own_name(tmp_path, label):
    output = describe_output(tmp_path, label)
    for number in (1, 2):
        edited = b'edit %d' % number
        label.write_bytes(edited)
        kept = set_aside(tmp_path, output)
        assert kept.name == f'a.tif.changed{number}'
        assert kept.read_bytes() == edited
        assert not label.exists()
