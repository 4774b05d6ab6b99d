"""Files that survive a kill, a crash of the machine and a full disk whole."""

import errno
import os
import re
import shutil
import socket
import time
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.errors import NoSpaceError

BACKEND = 'cupre_mm.whole_file'

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PART = re.compile(r'\..+\.([\w-]+)\.(\d+)\.whole-part')
# Seconds without a write after which a part of another machine, or of a
# process number that lives again, counts as left behind.
_ABANDONED = 120


def _host() -> str:
    return re.sub(r'[^\w-]', '-', socket.gethostname())


def write_whole_file(path: Path, content: bytes) -> None:
    """Write a file that is there whole, on the disk, or not at all.

    The content goes to a temporary name in the same folder and is flushed to
    the disk before the file gets its name. A file that had the name before
    stays until then.

    Args:
        path (Path): The file; its folder is made where it is missing.
        content (bytes): All of the file.

    Raises:
        NoSpaceError: If the disk or the quota is full, or the file larger
            than the system allows.
    """
    make_folder(path.parent)
    part = path.with_name(f'.{path.name}.{_host()}.{os.getpid()}.whole-part')
    try:
        with part.open('wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _flush_folder(path.parent)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        part.unlink(missing_ok=True)
        free = shutil.disk_usage(path.parent).free
        raise NoSpaceError(
            f'{path} cannot be written ({error.strerror}): it needs '
            f'{len(content):,} bytes, and the disk of {path.parent} has '
            f'{free:,} bytes free. Files that were whole before still are. '
            'Make room, or name a folder on a larger disk, and go on from '
            'the last checkpoint'
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    # The name, too, has to survive a crash. Windows cannot open folders.
    if not hasattr(os, 'O_DIRECTORY'):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems have no such call.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def remove_stale_parts(folder: Path) -> list[Path]:
    """Remove what killed runs left of files that they were writing.

    Args:
        folder (Path): Folder to look into; need not exist.

    Returns:
        list[Path]: The files removed. Those that a process of this machine
        is writing, or that were written to in the last two minutes, stay.
    """
    removed = []
    for path in sorted(folder.glob('.*.whole-part')):
        found = _PART.fullmatch(path.name)
        if found and _is_stale(path, found[1], int(found[2])):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def _is_stale(path: Path, host: str, process: int) -> bool:
    try:
        if time.time() - path.stat().st_mtime > _ABANDONED:
            return True
    except FileNotFoundError:
        return False
    if host != _host():
        return False
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@register_backend(BACKEND, force=True)
class WholeFileBackend(LocalBackend):
    """mmengine's local storage, with :func:`write_whole_file` for writing."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes.

        Args:
            obj (bytes): All of the file.
            filepath (str | Path): The file.
        """
        write_whole_file(Path(filepath), obj)

    def put_text(
        self, obj: str, filepath: str | Path, encoding: str = 'utf-8'
    ) -> None:
        """Write text.

        Args:
            obj (str): All of the file.
            filepath (str | Path): The file.
            encoding (str): How characters become bytes.
                Defaults to 'utf-8'.
        """
        write_whole_file(Path(filepath), obj.encode(encoding))
