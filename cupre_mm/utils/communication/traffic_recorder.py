"""Records every collective of this process, and what its sockets sent."""

import functools
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, distributed
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.futures import Future

# Where each function of torch.distributed takes what this process gives.
_PLACES = dict(
    all_reduce=0,
    broadcast=0,
    reduce=0,
    gather=0,
    reduce_scatter_tensor=1,
    all_gather=1,
    all_gather_into_tensor=1,
    all_to_all_single=1,
)
_INFRASTRUCTURE = ('torch.', 'mmengine.dist', 'contextlib', 'functools')
# Of Linux' struct tcp_info, in bytes.
_BYTES_SENT = 200


@dataclass(frozen=True)
class Collective:
    """One call of a collective.

    Attributes:
        step (str): Step of the AMT2 iteration, or 'hooks' between steps.
        origin (str): Module and function that called.
        kind (str): Name in ``torch.distributed``.
        payload (int): Bytes of the tensor that each process gives.
    """

    step: str
    origin: str
    kind: str
    payload: int


class TrafficRecorder:
    """Sees the collectives of Python code and the buckets of DDP.

    What DDP sends from C++ beside its buckets (the map of used parameters)
    is not seen; the sockets count it, see :func:`bytes_sent`.

    Attributes:
        step (str): Name that calls are recorded under.
        calls (list[Collective]): What was recorded.
    """

    def __init__(self) -> None:
        self.step = 'hooks'
        self.calls: list[Collective] = []

    def add(self, kind: str, tensor: Tensor, origin: str) -> None:
        """Record one call.

        Args:
            kind (str): Name of the collective.
            tensor (Tensor): What this process gives.
            origin (str): Who called.
        """
        size = tensor.numel() * tensor.element_size()
        self.calls.append(Collective(self.step, origin, kind, size))

    @contextmanager
    def recording(self) -> Any:
        """Watch the functions of ``torch.distributed`` in a with block."""
        originals = {name: getattr(distributed, name) for name in _PLACES}
        for name, function in originals.items():
            setattr(distributed, name, self._watched(name, function))
        try:
            yield self
        finally:
            for name, function in originals.items():
                setattr(distributed, name, function)

    def _watched(self, name: str, function: Callable) -> Callable:
        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.add(name, args[_PLACES[name]], _origin())
            return function(*args, **kwargs)

        return watched

    def watch_gradients(self, wrapped: Any) -> None:
        """Record the buckets of a distributed wrapper.

        Args:
            wrapped (DistributedDataParallel): The model's wrapper.
        """

        def hook(_: Any, bucket: distributed.GradBucket) -> Future[Tensor]:
            # Calls the watched all_reduce.
            return default_hooks.allreduce_hook(None, bucket)

        wrapped.register_comm_hook(None, hook)


def _origin() -> str:
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get('__name__', '')
        if module == __name__ and frame.f_code.co_name == 'hook':
            return 'gradients (DDP bucket)'
        if not module.startswith(_INFRASTRUCTURE) and module != __name__:
            return f'{module.rpartition(".")[2]}.{frame.f_code.co_name}'
        frame = frame.f_back
    return 'unknown'


def bytes_sent() -> int | None:
    """Count what all open TCP sockets of this process have sent.

    Returns:
        int | None: Payload bytes without those sent again, since each socket
        was opened; None where the system does not tell (other than Linux).
    """
    folder = Path('/proc/self/fd')
    if not folder.is_dir():
        return None
    total = 0
    for entry in list(folder.iterdir()):
        try:
            if not os.readlink(entry).startswith('socket:'):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as one:
                info = one.getsockopt(
                    socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_SENT + 8
                )
        except OSError:
            # Closed meanwhile, or no TCP socket.
            continue
        if len(info) < _BYTES_SENT + 8:
            return None
        total += struct.unpack_from('Q', info, _BYTES_SENT)[0]
    return total
