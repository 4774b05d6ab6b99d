import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from cupre_mm.utils import safe_load
from cupre_mm.utils.errors import BadCheckpointError, MissingDataError
from cupre_mm.utils.resume_point import (
    check_whole,
    find_resume_point,
    set_resume,
)
from tests.pickles import Malicious


def save(
    folder: Path, iteration: int, name: str | None = None, **changes: object
) -> Path:
    """Write a checkpoint as a run does."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = {
        'state_dict': {'w': torch.full((5000,), iteration)},
        'meta': {'iter': iteration, 'epoch': 0},
        'message_hub': {},
        'optimizer': {},
        **changes,
    }
    path = folder / (name or f'iter_{iteration}.pth')
    torch.save(
        {key: one for key, one in checkpoint.items() if one is not None}, path
    )
    return path


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def damage(path: Path) -> None:
    """Change one bit of a weight; torch would load the file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def config(folder: Path, **values: object) -> Config:
    return Config(dict(work_dir=str(folder), load_from=None, **values))


def test_last_one_is_chosen_by_the_iteration_inside(tmp_path):
    save(tmp_path, 9)
    last = save(tmp_path, 10, name='another.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_9.pth'))
    point = find_resume_point(tmp_path)
    assert (point.path, point.iteration) == (last, 10)
    assert point.skipped == []


@pytest.mark.parametrize('harm', [cut, damage])
def test_broken_ones_are_skipped_and_said(tmp_path, harm):
    good, bad = save(tmp_path, 1), save(tmp_path, 2)
    harm(bad)
    point = find_resume_point(tmp_path)
    assert point.path == good
    assert [path for path, _ in point.skipped] == [bad]
    lines = str(point).splitlines()
    assert lines[0].startswith(f'--resume: skipped {bad}: ')
    assert lines[1] == f'--resume: going on from {good}, iteration 1'


def test_damage_that_torch_would_load_is_named(tmp_path):
    path = save(tmp_path, 1)
    damage(path)
    torch.load(path)
    with pytest.raises(BadCheckpointError, match='checksum of iter_1/data'):
        check_whole(path)


def test_code_in_the_last_one_is_skipped_and_not_run(tmp_path):
    good = save(tmp_path, 1)
    save(tmp_path, 2, trick=Malicious(tmp_path / 'ran'))
    point = find_resume_point(tmp_path)
    assert point.path == good
    assert 'pathlib' in point.skipped[0][1]
    assert not (tmp_path / 'ran').exists()


def test_none_whole_but_some_there_is_an_error(tmp_path):
    for iteration in (1, 2):
        cut(save(tmp_path, iteration))
    with pytest.raises(BadCheckpointError, match='start anew') as caught:
        find_resume_point(tmp_path)
    assert 'iter_1.pth' in str(caught.value)
    assert 'iter_2.pth' in str(caught.value)


def test_best_and_exported_models_are_no_candidates(tmp_path):
    save(tmp_path, 3, 'best.pth', optimizer=None)
    save(tmp_path, 3, 'detector.pth', optimizer=None, message_hub=None)
    assert find_resume_point(tmp_path).path is None
    own = save(tmp_path, 2)
    point = find_resume_point(tmp_path)
    assert (point.path, point.skipped) == (own, [])


def test_no_folder_is_no_checkpoint(tmp_path):
    assert find_resume_point(tmp_path / 'none').path is None


def test_last_checkpoint_elsewhere_is_found(tmp_path):
    path = save(tmp_path / 'elsewhere', 4)
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work/last_checkpoint').write_text(f'{path}\n')
    assert find_resume_point(tmp_path / 'work').path == path


@pytest.mark.parametrize('content', ['', '/none/iter_1.pth', 's3://a/b.pth'])
def test_last_checkpoint_that_names_no_file_is_passed_over(tmp_path, content):
    path = save(tmp_path, 4)
    (tmp_path / 'last_checkpoint').write_text(content)
    assert find_resume_point(tmp_path).path == path


def test_files_of_old_torch_can_be_resumed(tmp_path):
    path = save(tmp_path, 4)
    torch.save(
        safe_load.load_local(path),
        path,
        _use_new_zipfile_serialization=False,
    )
    assert find_resume_point(tmp_path).iteration == 4


def test_auto_takes_checkpoints_of_the_out_dir(tmp_path, capsys):
    path = save(tmp_path / 'out/run', 4)
    save(tmp_path / 'run', 3)
    chosen = config(
        tmp_path / 'run',
        default_hooks=dict(checkpoint=dict(out_dir=str(tmp_path / 'out'))),
    )
    set_resume(chosen, 'auto')
    assert chosen.resume is True
    assert chosen.load_from == str(path)
    assert f'going on from {path}, iteration 4' in capsys.readouterr().out


def test_resume_of_the_config_is_the_same_as_auto(tmp_path):
    path = save(tmp_path, 4)
    chosen = config(tmp_path, resume=True)
    set_resume(chosen, None)
    assert chosen.load_from == str(path)


def test_resume_of_the_config_with_a_file_checks_the_file(tmp_path):
    cut(save(tmp_path, 4))
    chosen = config(tmp_path, resume=True)
    chosen.load_from = str(tmp_path / 'iter_4.pth')
    with pytest.raises(BadCheckpointError, match='cut off'):
        set_resume(chosen, None)


def test_without_resume_nothing_changes(tmp_path):
    save(tmp_path, 4)
    chosen = config(tmp_path)
    set_resume(chosen, None)
    assert chosen.load_from is None
    assert not chosen.get('resume')


def test_a_named_broken_file_names_the_whole_one_beside_it(tmp_path):
    good = save(tmp_path, 4)
    bad = save(tmp_path, 5)
    cut(bad)
    with pytest.raises(BadCheckpointError) as caught:
        set_resume(config(tmp_path), str(bad))
    assert str(bad) in str(caught.value)
    assert f'{good}, of iteration 4' in str(caught.value)
    cut(good)
    with pytest.raises(BadCheckpointError, match='no whole one beside it'):
        set_resume(config(tmp_path), str(bad))


def test_a_named_model_without_a_state_is_refused(tmp_path):
    path = save(tmp_path, 5, 'detector.pth', optimizer=None)
    with pytest.raises(BadCheckpointError, match='load_from=FILE'):
        set_resume(config(tmp_path), str(path))


def test_a_named_file_that_is_absent(tmp_path):
    with pytest.raises(MissingDataError, match=r'none\.pth'):
        set_resume(config(tmp_path), str(tmp_path / 'none.pth'))


def test_what_was_checked_is_not_read_again(tmp_path, monkeypatch):
    set_resume(config(tmp_path), str(save(tmp_path, 5)))

    def read_again(*args: object, **options: object) -> None:
        raise AssertionError

    monkeypatch.setattr(torch, 'load', read_again)
    loaded = safe_load.load_local(tmp_path / 'iter_5.pth', 'cpu')
    assert loaded['meta']['iter'] == 5
