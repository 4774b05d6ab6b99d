import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import Hook
from mmengine.runner import Runner

from cupre_mm.engine.hooks import whole_checkpoint_hook
from cupre_mm.utils import whole_file
from cupre_mm.utils.errors import BadCheckpointError, NoSpaceError
from cupre_mm.utils.resume_point import find_resume_point
from tests.forked import in_process, wait_for
from tests.pickles import Malicious
from tests.toy_run import toy_runner

HOOK = 'default_hooks.checkpoint'


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('*.pth'))


def train(folder: Path, *hooks: Hook, **options: Any) -> Runner:
    dotted = {
        key.replace('__', '.').replace('hook.', f'{HOOK}.'): value
        for key, value in options.items()
    }
    runner = toy_runner(folder, dotted, *hooks)
    runner.train()
    return runner


@pytest.fixture
def events(monkeypatch) -> list[str]:
    """Files as they are put and removed."""
    seen: list[str] = []
    write, remove = whole_file.write_whole_file, LocalBackend.remove

    def written(path: Path, content: bytes) -> None:
        write(path, content)
        seen.append(f'+{path.name}')

    def removed(self: LocalBackend, path: str) -> None:
        remove(self, path)
        seen.append(f'-{Path(path).name}')

    monkeypatch.setattr(whole_file, 'write_whole_file', written)
    monkeypatch.setattr(whole_checkpoint_hook, 'write_whole_file', written)
    monkeypatch.setattr(LocalBackend, 'remove', removed)
    return seen


def test_older_checkpoints_go_after_the_new_one_is_whole(tmp_path, events):
    train(tmp_path, hook__max_keep_ckpts=1, train_cfg__max_iters=2)
    assert events == [
        '+iter_1.pth',
        '+last_checkpoint',
        '+iter_2.pth',
        '+last_checkpoint',
        '-iter_1.pth',
    ]
    last = (tmp_path / 'last_checkpoint').read_text()
    assert last == str(tmp_path / 'iter_2.pth')


def test_the_best_one_goes_after_its_successor_is_whole(tmp_path, events):
    train(
        tmp_path,
        validate=True,
        hook__save_best='score',
        hook__rule='greater',
        train_cfg__max_iters=2,
        train_cfg__val_interval=1,
    )
    old, new = 'best_score_iter_1.pth', 'best_score_iter_2.pth'
    assert events.index(f'+{new}') < events.index(f'-{old}')
    assert events[-1] == f'-{old}'
    assert names(tmp_path) == [new, 'iter_1.pth', 'iter_2.pth']


def test_what_a_kill_kept_from_removal_goes_on_resume(tmp_path, monkeypatch):
    def killed(self: Any, paths: list[str]) -> None:
        if paths:
            raise KeyboardInterrupt

    hook = whole_checkpoint_hook.WholeCheckpointHook
    remove = hook._remove
    monkeypatch.setattr(hook, '_remove', killed)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, hook__max_keep_ckpts=2)
    monkeypatch.setattr(hook, '_remove', remove)
    assert names(tmp_path) == ['iter_1.pth', 'iter_2.pth', 'iter_3.pth']
    part = tmp_path / f'.iter_4.pth.x.{os.getpid()}.whole-part'
    part.touch()
    os.utime(part, (0, 0))
    train(tmp_path, hook__max_keep_ckpts=2, resume=True)
    assert names(tmp_path) == ['iter_3.pth', 'iter_4.pth']
    assert not part.exists()


def test_a_full_disk_stops_the_run_with_the_last_file(tmp_path, monkeypatch):
    write = whole_file.write_whole_file

    def full(path: Path, content: bytes) -> None:
        if path.name == 'iter_3.pth':
            raise NoSpaceError('full')
        write(path, content)

    monkeypatch.setattr(whole_file, 'write_whole_file', full)
    with pytest.raises(NoSpaceError):
        train(tmp_path, hook__max_keep_ckpts=1)
    assert names(tmp_path) == ['iter_2.pth']
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')


def test_other_backends_are_left_to_write(tmp_path, events):
    written = []

    class Remote(LocalBackend):
        def put(self, obj: bytes, filepath: str) -> None:
            written.append(Path(filepath).name)
            super().put(obj, filepath)

    register_backend('test_remote', Remote, force=True)
    train(
        tmp_path,
        hook__backend_args={'backend': 'test_remote'},
        hook__max_keep_ckpts=1,
        train_cfg__max_iters=2,
    )
    assert written == ['iter_1.pth', 'iter_2.pth']
    assert '+iter_2.pth' not in events
    assert names(tmp_path) == ['iter_2.pth']


def test_published_file_has_the_digest_of_its_content(tmp_path):
    train(tmp_path, hook__published_keys=['state_dict'])
    (published,) = tmp_path.glob('iter_4-*.pth')
    assert set(torch.load(published)) == {'state_dict'}


def test_checkpoint_from_elsewhere_removes_nothing(tmp_path):
    """The files that a stranger's message hub names stay."""
    train(tmp_path / 'theirs', hook__max_keep_ckpts=2)
    path = tmp_path / 'theirs/iter_4.pth'
    victims = [tmp_path / 'mine/iter_1.pth', tmp_path / 'precious.pth']
    victims[0].parent.mkdir()
    for victim in victims:
        victim.touch()
    checkpoint = torch.load(path, weights_only=False)
    info = checkpoint['message_hub']['runtime_info']
    info['keep_ckpt_ids'] = [1, 1, 1, '../../precious']
    info['expired_ckpts'] = ['iter_1.pth', '../precious.pth']
    info['best_ckpt'] = str(victims[1])
    info['best_score'] = -1.0
    torch.save(checkpoint, path)
    train(
        tmp_path / 'mine',
        resume=True,
        load_from=str(path),
        validate=True,
        hook__max_keep_ckpts=1,
        hook__save_best='score',
        hook__rule='greater',
        train_cfg__max_iters=5,
        train_cfg__val_interval=1,
    )
    assert all(victim.exists() for victim in victims)
    assert 'iter_5.pth' in names(tmp_path / 'mine')


def test_a_moved_work_dir_finds_its_best_one(tmp_path):
    options = dict(
        validate=True,
        hook__save_best='score',
        hook__rule='greater',
        train_cfg__val_interval=1,
    )
    train(tmp_path / 'old', **options, train_cfg__max_iters=1)
    (tmp_path / 'old').rename(tmp_path / 'new')
    train(tmp_path / 'new', **options, train_cfg__max_iters=2, resume=True)
    assert 'best_score_iter_1.pth' not in names(tmp_path / 'new')


def test_resume_without_a_file_skips_the_broken_one(tmp_path):
    train(tmp_path, train_cfg__max_iters=3)
    with (tmp_path / 'iter_3.pth').open('r+b') as file:
        file.truncate(500)
    runner = toy_runner(tmp_path, {'resume': True, 'train_cfg.max_iters': 4})
    runner.train()
    assert runner._load_from == str(tmp_path / 'iter_2.pth')
    assert runner.iter == 4


def test_resume_with_broken_files_only_does_not_start_anew(tmp_path):
    train(tmp_path, train_cfg__max_iters=1)
    (tmp_path / 'iter_1.pth').write_bytes(b'PK')
    with pytest.raises(BadCheckpointError, match='start anew'):
        train(tmp_path, resume=True)


def test_resume_in_an_empty_folder_starts(tmp_path):
    assert train(tmp_path, resume=True).iter == 4


def run_until_killed(folder: Path) -> None:
    toy_runner(
        folder,
        {
            'resume': True,
            'train_cfg.max_iters': 10**6,
            f'{HOOK}.max_keep_ckpts': 2,
            'width': 100_000,
        },
    ).train()


def test_twenty_kills_leave_a_run_that_goes_on(tmp_path):
    """Killed at any moment, often while a checkpoint is written."""
    random.seed(0)
    reached, halves = [0], 0
    for _ in range(20):
        process = in_process(run_until_killed, tmp_path)
        target = tmp_path / f'iter_{reached[-1] + 1}.pth'
        wait_for(
            lambda process=process, target=target: (
                target.is_file() or not process.is_alive()
            )
        )
        assert process.is_alive()
        time.sleep(random.random() * 0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        halves += len(list(tmp_path.glob('.*.whole-part')))
        point = find_resume_point(tmp_path)
        assert not point.skipped
        assert point.iteration > reached[-1]
        reached.append(point.iteration)
    assert halves
    assert len(names(tmp_path)) <= 3
    runner = toy_runner(
        tmp_path,
        {
            'resume': True,
            'train_cfg.max_iters': reached[-1] + 1,
            f'{HOOK}.max_keep_ckpts': 2,
            'width': 100_000,
        },
    )
    runner.train()
    assert len(names(tmp_path)) == 2
    assert not list(tmp_path.glob('.*.whole-part'))


@pytest.mark.parametrize('resume', [False, True])
@pytest.mark.parametrize('hook', ['cupre_mm.WholeCheckpointHook', 'own'])
def test_a_runner_refuses_a_checkpoint_with_code(tmp_path, resume, hook):
    train(tmp_path, train_cfg__max_iters=1)
    path = tmp_path / 'iter_1.pth'
    checkpoint = torch.load(path, weights_only=False)
    torch.save({**checkpoint, 'trick': Malicious(tmp_path / 'ran')}, path)
    options = {} if hook != 'own' else {'hook__type': 'CheckpointHook'}
    with pytest.raises(BadCheckpointError, match='weights_only'):
        train(tmp_path, resume=resume, load_from=str(path), **options)
    assert not (tmp_path / 'ran').exists()


def test_resume_does_not_run_the_config_of_a_checkpoint(tmp_path):
    train(tmp_path, train_cfg__max_iters=1)
    path = tmp_path / 'iter_1.pth'
    checkpoint = torch.load(path, weights_only=False)
    code = f'open({str(tmp_path / "ran")!r}, "w")'
    checkpoint['meta']['config'] = code
    torch.save(checkpoint, path)
    assert train(tmp_path, resume=True).iter == 4
    assert not (tmp_path / 'ran').exists()
