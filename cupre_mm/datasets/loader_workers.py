"""Keeps loader workers from outliving a run that was killed."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from torch.utils.data import DataLoader

_PR_SET_PDEATHSIG = 1


class _DiesWithRun:
    """Initialises a worker, and has it end when the run ends.

    torch's workers look whether the run still lives, but one that holds
    images nobody takes waits for ever. On Linux the kernel ends them.
    """

    def __init__(self, init: Callable[[int], Any] | None) -> None:
        self.init = init
        self.parent = os.getpid()

    def __call__(self, worker_id: int) -> None:
        if sys.platform == 'linux':
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self.parent:
                os._exit(1)
        if self.init is not None:
            self.init(worker_id)


def end_workers_with_run(loader: DataLoader) -> None:
    """Have the workers of a loader end with the process that reads them.

    Args:
        loader (DataLoader): The loader, before it is iterated.
    """
    loader.worker_init_fn = _DiesWithRun(loader.worker_init_fn)
