"""Processes of tasks: their output in a log, their end with the tool's."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cupre_mm.utils.parent_death import signal_at_parent_death

_POLL_SECONDS = 0.2
# A training stops after its iteration and writes a checkpoint.
_GRACE_SECONDS = 600


class Stop:
    """Tells all running tasks to stop, the first time gently."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.at_once = threading.Event()
        self._asked = threading.Event()

    def ask(self, number: int) -> None:
        """Ask for a stop; a second time, at once.

        Args:
            number (int): The signal that was received.
        """
        if self._asked.is_set():
            self.at_once.set()
        self.signal = self.signal or number
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for a stop to be asked for.

        Args:
            seconds (float): At most.

        Returns:
            bool: Whether it was.
        """
        return self._asked.wait(seconds)


def run_process(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    stop: Stop,
    on_start: Callable[[int], None],
    is_lost: Callable[[], bool],
) -> int:
    """Run a command to its end, or until a stop.

    On Linux it is killed when this process is, so that none goes on
    unwatched while another begins the same task.

    Args:
        command (Sequence[str]): Program and arguments.
        log (Path): File that its output is appended to.
        environment (Mapping[str, str]): Variables to set for it.
        stop (Stop): Asks it to stop.
        on_start (Callable): Is told its number.
        is_lost (Callable): Whether the task belongs to another process now.

    Returns:
        int: Its exit code, negative for a signal.
    """
    with log.open('ab') as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            # Ctrl-C in a terminal is passed on by this process alone.
            start_new_session=True,
            preexec_fn=signal_at_parent_death(signal.SIGKILL),
        )
    try:
        on_start(process.pid)
        return _watch(process, stop, is_lost)
    except BaseException:
        # Nothing may go on unwatched in a folder that another one takes.
        process.kill()
        process.wait()
        raise


def _watch(
    process: subprocess.Popen, stop: Stop, is_lost: Callable[[], bool]
) -> int:
    asked_at = None
    while True:
        try:
            return process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        if stop.at_once.is_set() or is_lost():
            process.kill()
        elif stop.is_asked and asked_at is None:
            asked_at = time.monotonic()
            process.send_signal(signal.SIGTERM)
        elif asked_at and time.monotonic() - asked_at > _GRACE_SECONDS:
            process.kill()


def tail_of(log: Path, lines: int) -> str:
    """Read the last lines of a log.

    Args:
        log (Path): The file.
        lines (int): How many.

    Returns:
        str: The lines; '' if there is no such file.
    """
    try:
        with log.open('rb') as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 400 * lines))
            text = file.read().decode(errors='replace')
    except OSError:
        return ''
    return '\n'.join(text.splitlines()[-lines:])
