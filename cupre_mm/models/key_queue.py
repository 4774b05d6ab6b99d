"""The queue of negative keys of momentum contrast."""

from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional as F

from cupre_mm.registry import MODELS
from cupre_mm.utils.errors import BadConfigError


@MODELS.register_module()
class KeyQueue(BaseModule):
    """First-in first-out memory of keys.

    Section 3.2 of `MoCo <https://arxiv.org/abs/1911.05722>`_. It is part of
    the checkpoint, stays float32 under mixed precision, and wraps for any
    batch size, one that does not divide the length too. It starts with
    random unit vectors.

    Args:
        length (int): Number of keys, K. Should be well below the number N
            of unlabelled images: a share of (K / N)^2 / 2 of the queries
            meet their own image among the negatives, see
            :class:`~cupre_mm.engine.QueueSizeHook`. Defaults to 65536.
        dim (int): Length of a key, C. Defaults to 128.

    Raises:
        BadConfigError: If ``length`` or ``dim`` is below 1.
    """

    def __init__(self, length: int = 65536, dim: int = 128) -> None:
        super().__init__()
        if not all(type(n) is int and n > 0 for n in (length, dim)):
            raise BadConfigError(
                f'KeyQueue(length={length!r}, dim={dim!r}): both must be '
                'whole numbers of at least 1.'
            )
        self.length = length
        self.dim = dim
        queue = F.normalize(torch.randn(dim, length), dim=0)
        self.register_buffer('queue', queue)  # CxK
        self.register_buffer('queue_ptr', torch.zeros(1, dtype=torch.long))
        self.register_buffer('num_enqueued', torch.zeros(1, dtype=torch.long))

    @property
    def fill(self) -> Tensor:
        """Share of the queue that holds real keys, 0 to 1; shape (1, )."""
        return (self.num_enqueued / self.length).clamp(max=1.0)

    def negatives(self) -> Tensor:
        """A copy of the keys, safe to keep while new ones come in.

        Returns:
            Tensor: Keys of shape (C, K), float32.
        """
        return self.queue.clone().detach()

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Replace the oldest keys by new ones.

        Args:
            keys (Tensor): Keys of shape (N, C), of all processes. Of more
                than K only the last K stay.
        """
        keys = keys.to(self.queue.dtype)
        total = keys.shape[0]
        kept = keys[-self.length :]
        pointer = int(self.queue_ptr)
        first = pointer + total - kept.shape[0]
        slots = torch.arange(first, first + kept.shape[0], device=keys.device)
        self.queue[:, slots % self.length] = kept.T
        self.queue_ptr.fill_((pointer + total) % self.length)
        self.num_enqueued += total

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take the count of a saved queue only together with its keys."""
        saved = state_dict.get(f'{prefix}queue')
        if saved is not None and saved.shape != self.queue.shape:
            # A queue of another length is left out; with its count the
            # random keys here would be reported as real ones.
            for name in ('queue_ptr', 'num_enqueued'):
                state_dict.pop(f'{prefix}{name}', None)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
