"""Where an interrupted run goes on: its last checkpoint that is whole."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.runner import Runner

from cupre_mm.utils.checkpoint import read_checkpoint
from cupre_mm.utils.errors import BadCheckpointError, UserError
from cupre_mm.utils.safe_load import peek

_SHOWN = 10


@dataclass
class ResumePoint:
    """The checkpoint that a run resumes from.

    Attributes:
        path (Path, optional): The file; None where there is none at all.
        iteration (int): Its iteration.
        skipped (list[tuple[Path, str]]): Later files, each with the reason
            why it cannot be used.
    """

    path: Path | None = None
    iteration: int = 0
    skipped: list[tuple[Path, str]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f'--resume: skipped {path}: {reason}'
            for path, reason in self.skipped
        ]
        if self.path is not None:
            lines.append(
                f'--resume: going on from {self.path}, iteration '
                f'{self.iteration}'
            )
        return '\n'.join(lines)


def find_resume_point(*folders: str | Path) -> ResumePoint:
    """Find the last whole checkpoint of a run.

    Candidates are the ``.pth`` files of the folders, and what
    ``last_checkpoint`` names, by the iteration that each holds. Files
    without optimizer or message hub, such as exported detectors and the best
    checkpoints, are not meant to be resumed from and no candidates. The one
    chosen has been read whole: its checksums are right and it loads.

    Args:
        *folders (str | Path): Work dir, and where checkpoints are if that is
            elsewhere.

    Returns:
        ResumePoint: The file, and what was skipped for it.

    Raises:
        BadCheckpointError: If there are checkpoints, but none is whole.
    """
    skipped, candidates = [], []
    for path in _files(folders):
        try:
            found = _iteration(peek(path))
        except Exception as error:
            skipped.append((path, _reason(error, path)))
            continue
        if found is not None:
            candidates.append((found, path.stat().st_mtime_ns, path))
    for iteration, _, path in sorted(candidates, reverse=True):
        try:
            check_whole(path, keep=True)
        except UserError as error:
            skipped.append((path, _reason(error, path)))
        else:
            return ResumePoint(path, iteration, skipped)
    if skipped:
        raise BadCheckpointError(
            f'no checkpoint of {folders[0]} is whole, and resuming would '
            'start anew: '
            + '; '.join(f'{path} ({why})' for path, why in skipped[:_SHOWN])
            + '. To start anew, remove these files or choose another '
            '--work-dir'
        )
    return ResumePoint()


def check_whole(path: Path, *, keep: bool = False) -> dict:
    """Read a checkpoint and all of its checksums.

    Args:
        path (Path): The file.
        keep (bool): Whether the run is about to load it; see
            :func:`~cupre_mm.utils.safe_load.load_local`. Defaults to False.

    Returns:
        dict: The checkpoint.

    Raises:
        MissingDataError: If the file does not exist.
        BadCheckpointError: If it is cut off or damaged, holds types that are
            not allowed, or lacks what resuming needs.
    """
    path = Path(path).expanduser()
    if path.is_file() and _is_zip(path):
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
        except zipfile.BadZipFile as error:
            raise BadCheckpointError(
                f'{path} is cut off or damaged ({error}); it has '
                f'{path.stat().st_size:,} bytes'
            ) from error
        if damaged is not None:
            raise BadCheckpointError(
                f'{path} is damaged: the checksum of {damaged} is wrong'
            )
    checkpoint = read_checkpoint(path, keep=keep)
    if _iteration(checkpoint) is None:
        raise BadCheckpointError(
            f'{path} has no iteration, message hub or optimizer state to '
            'resume from: it is an exported or best model. Start from its '
            'weights with --cfg-options load_from=FILE, without --resume'
        )
    return checkpoint


def _is_zip(path: Path) -> bool:
    # torch wrote another format before 1.6.
    with path.open('rb') as file:
        return file.read(2) == b'PK'


def _iteration(checkpoint: Any) -> int | None:
    """The iteration, or None for what cannot be resumed."""
    if not isinstance(checkpoint, dict) or not isinstance(
        checkpoint.get('meta'), dict
    ):
        return None
    iteration = checkpoint['meta'].get('iter')
    resumable = 'message_hub' in checkpoint and 'optimizer' in checkpoint
    return iteration if resumable and type(iteration) is int else None


def _files(folders: tuple[str | Path, ...]) -> Iterator[Path]:
    found: dict[Path, None] = {}
    for folder in map(Path, folders):
        for path in sorted(folder.glob('*.pth')):
            if path.is_file():
                found[path.absolute()] = None
        try:
            named = (folder / 'last_checkpoint').read_text().strip()
        except OSError:
            continue
        # Written from another folder perhaps, and so not found from here.
        if named and '://' not in named and Path(named).is_file():
            found[Path(named).absolute()] = None
    yield from found


def _reason(error: Exception, path: Path) -> str:
    text = str(error).removeprefix(str(path)).strip()
    return ' '.join(text.split())[:200] or type(error).__name__


def set_resume(config: Config, resume: str | None) -> None:
    """Set where to resume from.

    Args:
        config (Config): Config of the run, changed in place.
        resume (str, optional): A checkpoint, ``'auto'`` for the last whole
            one of the work dir, or None to do as the config says:
            ``resume=True`` without ``load_from`` is the same as ``'auto'``.
            Where there is none yet, the run starts anew, with the config's
            ``load_from``.

    Raises:
        MissingDataError: If the file does not exist.
        BadCheckpointError: If it is not whole, or there are checkpoints in
            the work dir, but none is.
    """
    if resume is None:
        if config.get('resume') and not config.get('load_from'):
            resume = 'auto'
        elif config.get('resume'):
            resume = config.load_from
        else:
            return
    if resume != 'auto':
        config.resume = True
        config.load_from = resume
        if '://' not in resume:
            _check_named(Path(resume))
        return
    hook = (config.get('default_hooks') or {}).get('checkpoint') or {}
    point = find_resume_point(*_folders(config.work_dir, hook.get('out_dir')))
    config.resume = point.path is not None
    if point.path is None:
        point = (
            f'--resume: {config.work_dir} has no checkpoint yet; starting anew'
        )
    else:
        config.load_from = str(point.path)
    if is_main_process():
        print(point)


def _folders(work_dir: str, out_dir: str | None) -> list[str | Path]:
    folders: list[str | Path] = [work_dir]
    # mmengine's CheckpointHook adds the work dir's own name.
    if out_dir and '://' not in str(out_dir):
        folders.append(Path(out_dir, Path(work_dir).name))
    return folders


def _check_named(path: Path) -> None:
    try:
        check_whole(path, keep=True)
    except BadCheckpointError as error:
        try:
            beside = find_resume_point(path.expanduser().parent)
        except BadCheckpointError:
            beside = ResumePoint()
        advice = (
            f'the last whole one beside it is {beside.path}, of iteration '
            f'{beside.iteration}'
            if beside.path
            else 'there is no whole one beside it'
        )
        raise BadCheckpointError(f'--resume: {error}; {advice}') from error


def resume_runner(runner: Runner, hook: CheckpointHook) -> None:
    """Set where a runner resumes from that was told no file.

    For runs that no tool of this package prepared.

    Args:
        runner (Runner): The runner, before it has loaded anything.
        hook (CheckpointHook): Its checkpoint hook.

    Raises:
        BadCheckpointError: If there are checkpoints, but none is whole.
    """
    if not runner._resume or runner._load_from is not None:
        return
    out_dir = str(hook.out_dir or '')
    if '://' in out_dir:
        return
    point = find_resume_point(*_folders(runner.work_dir, out_dir))
    if point.path is not None:
        runner._load_from = str(point.path)
        print_log(str(point), logger='current')
