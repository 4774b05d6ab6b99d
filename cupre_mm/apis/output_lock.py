"""Keeps two runs out of one output folder."""

import errno
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cupre_mm.utils.atomic_write import make_folder, write_atomically
from cupre_mm.utils.errors import BadConfigError

LOCK = '.predict.lock'
OWNER = '.predict_running.json'
# What file systems say that know no locks.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def locked_folder(out: Path) -> Iterator[None]:
    """Have an output folder for this run alone.

    The lock is the operating system's: that of a run that was killed is gone
    with it. Where the file system knows no locks, a warning says so and the
    run goes on.

    Args:
        out (Path): The output folder; made where it is missing.

    Raises:
        BadConfigError: If another run writes there.
        OSError: If the folder cannot be written.
    """
    make_folder(out)
    lock = FileLock(str(out / LOCK), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BadConfigError(
            f'{_owner(out)} writes to the output folder {out}: wait until '
            'it has ended, or choose another folder'
        ) from None
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        print(
            f'warning: {out} is on a file system without locks ({error}): do '
            'not start a second run into it before this one has ended',
            file=sys.stderr,
        )
    try:
        me = {
            'pid': os.getpid(),
            'host': socket.gethostname(),
            'started': time.strftime('%Y-%m-%d %H:%M:%S'),
        }
        write_atomically(out / OWNER, json.dumps(me).encode())
        yield
    finally:
        # Before the lock goes: afterwards it may be that of the next run.
        (out / OWNER).unlink(missing_ok=True)
        lock.release()


def _owner(out: Path) -> str:
    try:
        me = json.loads((out / OWNER).read_text())
        return (
            f'another run (process {me["pid"]} on {me["host"]}, since '
            f'{me["started"]})'
        )
    # It has just begun, or just ended.
    except (OSError, ValueError, KeyError, TypeError):
        return 'another run'
