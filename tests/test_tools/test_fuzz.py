"""The runner finds, saves and replays; a dying interpreter is no excuse."""

from pathlib import Path

import pytest
from hypothesis import strategies as st

from cupre_mm.utils.errors import BadDataError
from tests.fuzz import campaign, child_process
from tests.fuzz.targets import Target
from tools.analysis.fuzz import main


def _run(data: bytes, folder: Path) -> None:
    """Fail in every way there is, by the first byte."""
    kind = data[0] % 4
    if kind == 0:
        raise BadDataError('refused')
    if kind == 1:
        raise KeyError('failed')
    if kind == 2:
        bytearray(2 * campaign.MEMORY)
    (folder / 'ran').write_bytes(data)


def broken_target() -> Target:
    return Target('broken', '.bin', st.binary(min_size=1, max_size=2), _run)


def test_lists_targets_and_refuses_others(capsys):
    assert main(['--list']) == 0
    names = capsys.readouterr().out.split()
    assert {'coco_read', 'image_stack', 'split_options'} <= {*names}
    with pytest.raises(SystemExit) as exit_info:
        main(['--target', 'no_such'])
    assert exit_info.value.code == 2
    assert 'no_such' in capsys.readouterr().err


def test_campaign_and_replay_of_a_real_target(tmp_path: Path, capsys):
    out = tmp_path / 'failures'
    arguments = ['--target', 'split_table', '--out', str(out)]
    assert main([*arguments, '--cases', '20', '--seed', '3']) == 0
    assert '20 cases of 1 targets with seed 3: 0 distinct failures' in (
        capsys.readouterr().out
    )
    saved = tmp_path / 'table.csv'
    saved.write_bytes(b'file_name,scene\n0.png\n')
    assert main([*arguments, '--replay', str(saved)]) == 0
    assert 'refused: ' in capsys.readouterr().out


def test_failures_are_told_apart_counted_and_saved(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(child_process, '_limit_memory', lambda: None)
    monkeypatch.setattr(campaign, 'MEMORY', 10)
    target = broken_target()
    child_process.run_cases(target, 60, 0, 60.0, tmp_path)
    found = campaign.Outcome('broken')
    out = tmp_path / 'out'
    out.mkdir()
    campaign._collect(found, tmp_path, out, '.bin', None)
    assert found.cases == 60
    assert 0 < found.refused < 60
    (failure,) = found.failures.values()
    assert failure.place.startswith('KeyError at')
    assert failure.count > 1
    assert failure.file.read_bytes()[0] % 4 == 1


def test_case_that_ends_the_process_is_kept(tmp_path: Path):
    """What a crashed or hanging child leaves behind is the case itself."""
    (tmp_path / 'case').write_bytes(b'\x07')
    (tmp_path / 'count').write_text('5 2')
    found = campaign.Outcome('broken')
    out = tmp_path / 'out'
    out.mkdir()
    campaign._collect(found, tmp_path, out, '.bin', 'crash by SIGSEGV')
    assert (found.cases, found.refused) == (5, 2)
    assert found.failures['crash by SIGSEGV'].file.read_bytes() == b'\x07'
