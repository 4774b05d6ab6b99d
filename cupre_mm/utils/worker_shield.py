"""Keeps signals that are meant for a run away from its loader workers."""

import os
import signal
import threading
from collections.abc import Iterable

# A flag a process, for os.register_at_fork has no way back.
_state: dict[str, frozenset[int]] = {'signals': frozenset()}


def shield_workers(signals: Iterable[int]) -> None:
    """Let processes that this one forks from now on not die of signals.

    Ctrl-C reaches every process of the terminal's group, and Slurm signals
    every process of a job. A loader worker that dies of it takes the running
    iteration along. SIGINT is ignored there; of the others a worker obeys
    those that its parent sends, which is how torch ends it. Workers that
    are spawned rather than forked are not reached.

    Args:
        signals (Iterable[int]): The signals; none ends the shielding of
            workers to come.
    """
    if 'registered' not in _state and hasattr(os, 'register_at_fork'):
        os.register_at_fork(after_in_child=_shield)
        _state['registered'] = frozenset()
    _state['signals'] = frozenset(signals)


def _shield() -> None:
    signals = set(_state['signals'])
    if not signals:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not hasattr(signal, 'sigwaitinfo'):
        return
    # torch sets a handler of its own for SIGTERM in its workers, after this.
    # A blocked signal does not reach it.
    waited = signals - {signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    threading.Thread(target=_obey_parent, args=(waited,), daemon=True).start()


def _obey_parent(signals: set[int]) -> None:
    parent = os.getppid()
    while True:
        # The thread alone receives them: all others block them.
        if signal.sigwaitinfo(signals).si_pid == parent:
            os._exit(0)
