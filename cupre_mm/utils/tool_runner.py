"""Runs a command with its progress on the screen and its output in a log."""

import os
import re
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.parent_death import signal_at_parent_death

_LINES_SHOWN_ON_FAILURE = 20
_SECONDS_BETWEEN_LINES = 20
_PROGRESS = re.compile(
    r'(Iter\(train\)|Epoch\(test\)) *(\[ *\d+/ *\d+\]).*?eta: (\S+)'
)


def run_logged(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> float:
    """Run a command to its end.

    Several may run at a time: each line of progress has the log's name. On
    Linux it is asked to stop when this process ends before it.

    Args:
        command (Sequence[str]): Program and arguments.
        log (Path): File to which all output is appended.
        environment (Mapping[str, str]): Variables to set for it.

    Returns:
        float: Seconds it took.

    Raises:
        BadDataError: If it fails; its last lines are printed before.
    """
    start, shown = time.time(), 0.0
    tail: deque[str] = deque(maxlen=_LINES_SHOWN_ON_FAILURE)
    with (
        log.open('a', buffering=1) as file,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            env={**os.environ, **environment},
            # A training then writes a checkpoint.
            preexec_fn=signal_at_parent_death(signal.SIGTERM),
        ) as process,
    ):
        for line in process.stdout:
            file.write(line)
            tail.append(line)
            progress = progress_of(line)
            if progress and time.time() - shown > _SECONDS_BETWEEN_LINES:
                print(f'  {log.stem}: {progress}', flush=True)
                shown = time.time()
    if process.returncode:
        print('\n' + ''.join(tail), end='')
        raise BadDataError(
            f'{Path(command[1]).name} failed with exit code '
            f'{process.returncode}; the whole output is in {log}'
        )
    return time.time() - start


def progress_of(line: str) -> str:
    """Shorten a log line of mmengine that tells the progress.

    Args:
        line (str): A line of output.

    Returns:
        str: What, how far, the time left and the loss; '' for other lines.
    """
    found = _PROGRESS.search(line)
    if not found:
        return ''
    loss = re.search(r' loss: (\S+)', line)
    shown = f'{found[1]} {found[2]} eta {found[3]}'
    return shown + (f' loss {loss[1]}' if loss else '')
