"""The states of all random generators of a process."""

import random
from typing import Any

import numpy as np
import torch


def random_states() -> dict[str, Any]:
    """Copy the states of Python's, NumPy's and torch's global generators.

    Returns:
        dict: States by generator, of plain types and tensors alone, so that
        ``torch.load`` reads them with ``weights_only=True``.
    """
    name, keys, *rest = np.random.get_state()
    states = dict(
        python=random.getstate(),
        numpy=(name, torch.from_numpy(keys.astype(np.int64)), *rest),
        torch=torch.get_rng_state(),
    )
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states['cuda'] = torch.cuda.get_rng_state()
    return states


def set_random_states(states: dict[str, Any]) -> None:
    """Put the generators into the states that :func:`random_states` gave.

    Args:
        states (dict): The states. That of a CUDA device is left out on a
            machine without one.
    """
    python, (name, keys, *rest) = states['python'], states['numpy']
    random.setstate((python[0], tuple(python[1]), python[2]))
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states['torch'].cpu())
    if 'cuda' in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'].cpu())
