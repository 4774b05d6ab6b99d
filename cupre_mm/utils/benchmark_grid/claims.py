"""Claims: which process runs a task, where several share a work dir.

A claim is a file that is created if it does not exist, which file systems of
clusters do atomically too. It names host and process, and is touched while
its owner lives; one of a process that is gone is taken over.
"""

import json
import os
import socket
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from cupre_mm.utils.atomic_write import make_folder, write_atomically

NAME = '.claim'
_BEAT_SECONDS = 15
# Without a beat for so long, a process of another machine counts as gone.
_GONE_SECONDS = 300
_TAKEOVER_SECONDS = 30


def process_identity(pid: int) -> dict[str, Any] | None:
    """Tell a process from later ones of the same number.

    Args:
        pid (int): Its number.

    Returns:
        dict, optional: Host, boot, number and start; None if there is no
        such process on this machine.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    identity = {'host': socket.gethostname(), 'boot': _boot(), 'pid': pid}
    try:
        text = Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return identity
    fields = text.rpartition(')')[2].split()
    if fields[0] == 'Z':
        return None
    return {**identity, 'start': fields[19]}


def _boot() -> str:
    try:
        return Path('/proc/sys/kernel/random/boot_id').read_text().strip()
    except OSError:
        return ''


class Claim:
    """The right to run the task of a folder.

    Args:
        folder (Path): The task's folder, made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._token = uuid.uuid4().hex
        self._content: dict[str, Any] = {}
        self._end = threading.Event()
        self._lost = threading.Event()
        self._writing = threading.Lock()

    @property
    def is_lost(self) -> bool:
        """Whether another process has taken the claim over."""
        return self._lost.is_set()

    def take(self) -> bool:
        """Take the claim, if no living process has it.

        Returns:
            bool: Whether it is this process's now.
        """
        make_folder(self.path.parent)
        self._content = {
            'token': self._token,
            'owner': process_identity(os.getpid()),
        }
        if not self._create() and not self._take_over():
            return False
        threading.Thread(target=self._beat, daemon=True).start()
        return True

    def name_child(self, pid: int) -> None:
        """Note the process that works in the folder.

        It may outlive this one; the claim is nobody's only when both are
        gone.

        Args:
            pid (int): Its number.
        """
        with self._writing:
            self._content['child'] = process_identity(pid)
            if self._is_own():
                write_atomically(self.path, self._text())

    def release(self) -> None:
        """Give the claim back."""
        self._end.set()
        with self._writing:
            if self._is_own():
                self.path.unlink(missing_ok=True)

    def _text(self) -> bytes:
        return json.dumps(self._content).encode()

    def _is_own(self) -> bool:
        return _content(self.path).get('token') == self._token

    def _create(self) -> bool:
        # Linked, so that the file is never seen without its content.
        part = self.path.with_name(f'{NAME}.{self._token}')
        part.write_bytes(self._text())
        try:
            os.link(part, self.path)
        except FileExistsError:
            return False
        except OSError:
            return self._create_exclusively()
        finally:
            part.unlink(missing_ok=True)
        return True

    def _create_exclusively(self) -> bool:
        """For file systems without links."""
        try:
            with self.path.open('xb') as file:
                file.write(self._text())
        except FileExistsError:
            return False
        return True

    def _take_over(self) -> bool:
        if is_claimed(self.path.parent):
            return False
        guard = self.path.with_name(f'{NAME}.takeover')
        try:
            guard.open('xb').close()
        except FileExistsError:
            if (_age(guard) or 0) > _TAKEOVER_SECONDS:
                guard.unlink(missing_ok=True)
            return False
        try:
            if is_claimed(self.path.parent):
                return False
            write_atomically(self.path, self._text())
            return True
        finally:
            guard.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._end.wait(_BEAT_SECONDS):
            with self._writing:
                if self._end.is_set():
                    return
                if not self._is_own():
                    self._lost.set()
                    return
                try:
                    os.utime(self.path)
                except OSError:
                    continue


def is_claimed(folder: Path) -> bool:
    """Whether a living process runs the task of a folder.

    Args:
        folder (Path): The task's folder.

    Returns:
        bool: Whether one does, as far as can be seen from here.
    """
    path = folder / NAME
    if not path.exists():
        return False
    content = _content(path)
    known = [content.get('owner'), content.get('child')]
    named = [one for one in known if isinstance(one, dict)]
    here = {'host': socket.gethostname(), 'boot': _boot()}
    if named and all(
        {key: one.get(key) for key in here} == here for one in named
    ):
        return any(process_identity(one['pid']) == one for one in named)
    if named and here['boot'] and named[0].get('host') == here['host']:
        # The machine was started anew since.
        return False
    age = _age(path)
    return age is not None and age < _GONE_SECONDS


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _age(path: Path) -> float | None:
    """Seconds since the last beat, by the clock of the file server."""
    probe = path.with_name(f'{NAME}.{uuid.uuid4().hex}')
    try:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime
    except FileNotFoundError:
        return None
    except OSError:
        return time.time() - path.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
