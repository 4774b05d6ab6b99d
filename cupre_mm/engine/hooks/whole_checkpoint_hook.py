"""Checkpoints that are whole, and replaced by whole ones only."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process, master_only
from mmengine.fileio import get_file_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader, Runner

from cupre_mm.registry import HOOKS
from cupre_mm.utils.resume_point import resume_runner
from cupre_mm.utils.whole_file import (
    BACKEND,
    remove_stale_parts,
    write_whole_file,
)

# In the message hub, and so in the checkpoint: names of the files that the
# run has no more use for once this checkpoint is whole. A run that was killed
# before it removed them does so when it resumes.
EXPIRED = 'expired_ckpts'


def _folder(path: str) -> str:
    folder = os.path.dirname(path)
    return folder if '://' in path else os.path.realpath(folder)


class _LateRemovals:
    """A storage backend that notes what it is told to remove."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.paths: list[str] = []

    def remove(self, path: str) -> None:
        self.paths.append(str(path))

    def rmtree(self, path: str) -> None:
        self.paths.append(str(path))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """mmengine's checkpoint hook for runs that may be killed at any moment.

    A file is written to a temporary name, flushed to the disk and renamed.
    What it replaces, by ``max_keep_ckpts`` or as the best one, is removed
    only then, so that the disk needs room for one checkpoint more than
    mmengine's hook does. ``last_checkpoint`` is written in the same way.
    Temporary files of killed runs are removed at the start. With
    ``resume=True`` and no ``load_from`` the run goes on from the last whole
    checkpoint; see :mod:`cupre_mm.utils.resume_point`.

    All arguments are those of :class:`mmengine.hooks.CheckpointHook`. With an
    ``out_dir`` on remote storage, or ``backend_args`` or
    ``file_client_args`` of your own, files are written by that backend;
    whether they are whole is up to it.
    """

    def before_run(self, runner: Runner) -> None:
        """Choose where to resume from, before anything is loaded.

        Args:
            runner (Runner): The runner.
        """
        resume_runner(runner, self)

    def before_train(self, runner: Runner) -> None:
        """Prepare the folder, and finish what a killed run had begun.

        Args:
            runner (Runner): The runner.
        """
        self._distrust(runner)
        out_dir = str(self.out_dir or runner.work_dir)
        if (
            self.backend_args is None
            and self.file_client_args is None
            and '://' not in out_dir
        ):
            self.backend_args = dict(backend=BACKEND)
        super().before_train(runner)
        if not is_main_process():
            return
        if self.writes_whole_files:
            stale = remove_stale_parts(Path(self.out_dir))
            stale += remove_stale_parts(Path(runner.work_dir))
            for path in stale:
                runner.logger.info(f'Removed {path}, left by a killed run.')
        names = runner.message_hub.runtime_info.get(EXPIRED, [])
        self._remove([self._path(name) for name in names])

    @property
    def writes_whole_files(self) -> bool:
        """Whether files are written by this package's local backend."""
        return (self.backend_args or {}).get('backend') == BACKEND

    def _distrust(self, runner: Runner) -> None:
        """Remove no file that a checkpoint from elsewhere names.

        mmengine removes what the message hub of a checkpoint calls the
        previous files, wherever they are.
        """
        hub = runner.message_hub
        out_dir = str(self.out_dir or runner.work_dir)
        if self.out_dir not in (None, runner.work_dir):
            out_dir = os.path.join(out_dir, Path(runner.work_dir).name)
        loaded = str(runner._load_from or '')
        own = _folder(loaded) == _folder(os.path.join(out_dir, 'any'))
        for key in list(hub.runtime_info):
            if key in ('keep_ckpt_ids', EXPIRED):
                wanted = int if key == 'keep_ckpt_ids' else str
                hub.update_info(
                    key,
                    [
                        one
                        for one in hub.runtime_info[key]
                        if own and type(one) is wanted and '/' not in str(one)
                    ],
                )
            elif key.startswith('best_ckpt'):
                # A work dir that was moved has its best file, too.
                name = os.path.basename(str(hub.runtime_info[key]))
                path = os.path.join(out_dir, name) if own else None
                hub.update_info(key, path)

    def _path(self, name: str) -> str:
        return self.file_backend.join_path(self.out_dir, name)

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict
    ) -> None:
        hub = runner.message_hub
        expired = []
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                expired.append(
                    self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
                )
            self.keep_ckpt_ids.append(step)
            hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        name = self.filename_tmpl.format(step)
        path = self._path(name)
        late = getattr(self.file_backend, 'paths', [])
        hub.update_info(EXPIRED, expired + [Path(one).name for one in late])
        hub.update_info('last_ckpt', path)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        # ExportDetectorHook and others read this: only a file that is there.
        self.last_ckpt = path
        if is_main_process():
            write_whole_file(
                Path(runner.work_dir, 'last_checkpoint'), path.encode()
            )
            self._remove([self._path(one) for one in expired])

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._removals_at_the_end():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removals_at_the_end(self) -> Iterator[None]:
        backend = self.file_backend
        self.file_backend = _LateRemovals(backend)
        try:
            yield
            paths = self.file_backend.paths
        finally:
            self.file_backend = backend
        best = {getattr(self, 'best_ckpt_path', None)}
        best |= set(getattr(self, 'best_ckpt_path_dict', {}).values())
        self._remove([path for path in paths if path not in best])

    def _remove(self, paths: list[str]) -> None:
        backend = getattr(self.file_backend, 'backend', self.file_backend)
        for path in paths:
            if backend.isfile(path):
                backend.remove(path)
            elif backend.isdir(path) and Path(path).suffix:
                # deepspeed writes folders of a file's name.
                backend.rmtree(path)

    @master_only
    def _publish_model(self, runner: Runner, ckpt_path: str) -> None:
        checkpoint = CheckpointLoader.load_checkpoint(ckpt_path, 'cpu')
        dropped = sorted(set(checkpoint) - set(self.published_keys))
        buffer = io.BytesIO()
        torch.save(
            {
                key: value
                for key, value in checkpoint.items()
                if key in self.published_keys
            },
            buffer,
        )
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()[:8]
        stem = ckpt_path[: -len(Path(ckpt_path).suffix)]
        target = f'{stem}-{digest}.pth'
        get_file_backend(target, backend_args=self.backend_args).put(
            content, target
        )
        print_log(
            f'{ckpt_path} is published to {target}, without {dropped}.',
            logger='current',
        )
