"""A command that ends when the process that started it does."""

import ctypes
import signal
import sys
from collections.abc import Callable

# Loaded here: nothing may be imported between fork and exec.
_LIBC = ctypes.CDLL(None) if sys.platform.startswith('linux') else None
_PR_SET_PDEATHSIG = 1


def signal_at_parent_death(
    number: signal.Signals,
) -> Callable[[], None] | None:
    """Let a command get a signal when its parent ends, killed or not.

    Otherwise it goes on unwatched, and the parent's next run begins a second
    one that writes the same files.

    Args:
        number (signal.Signals): The signal.

    Returns:
        Callable, optional: ``preexec_fn`` of :class:`subprocess.Popen`. None
        on systems other than Linux, which cannot do that.
    """
    if _LIBC is None:
        return None

    def ask() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))

    return ask
