"""What a process takes, and that none is left behind."""

import os
import sys
import threading
from multiprocessing import parent_process
from pathlib import Path

_MIB = 2**20


def memory_mib() -> dict[str, float]:
    """Measure the memory of this process.

    Returns:
        dict[str, float]: MiB by Linux's names: ``'VmRSS'`` now, ``'VmHWM'``
        at most so far, ``'RssAnon'`` now and this process's alone. On other
        systems all three are the most so far.
    """
    status = Path('/proc/self/status')
    if not status.exists():
        import resource

        # Kilobytes, on macOS bytes.
        unit = 1 if sys.platform == 'darwin' else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB
        return dict.fromkeys(('VmRSS', 'VmHWM', 'RssAnon'), peak)
    # Unlike ru_maxrss, this is not inherited from the parent process.
    fields = dict(
        line.split(':', 1) for line in status.read_text().splitlines()
    )
    return {
        name: int(fields[name].split()[0]) / 1024
        for name in ('VmRSS', 'VmHWM', 'RssAnon')
    }


def end_with_parent() -> None:
    """Let this process end when the one that started it does.

    The worker of a pool otherwise stays, with all its memory, when its
    parent is killed. To be called in a process of :mod:`multiprocessing`.
    """

    def wait() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
