"""Random draws that depend on a key, not on what was drawn before."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def seeded_draws(*key: Any) -> Iterator[None]:
    """Seed the global generators from a key, and put them back after.

    Those of Python, NumPy and torch's CPU are seeded; generators of
    accelerators are left alone.

    Args:
        *key (Any): What the draws depend on; its ``repr`` is hashed, so give
            numbers and texts.

    Yields:
        None: Nothing.
    """
    digest = hashlib.blake2b(repr(key).encode(), digest_size=32).digest()
    words = np.frombuffer(digest, dtype='<u4')
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        # A part of the digest each: equal seeds could give equal draws.
        random.seed(int.from_bytes(digest[:8], 'little'))
        np.random.seed(words[2:6])
        # Not torch.manual_seed, which seeds the accelerators as well.
        torch.default_generator.manual_seed(
            int.from_bytes(digest[24:], 'little') >> 1
        )
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])
