"""``InfiniteSampler.skip`` for an mmengine that has none yet.

mmengine 0.10.12 of the OneDL family can move its endless sampler to a
position without drawing data; upstream's 0.10.7 cannot. Loaders, loops and
subclasses here rely on it, hence it is added to the class itself.
"""

import itertools

from mmengine.dataset import InfiniteSampler


def skip(self: InfiniteSampler, num_samples: int) -> None:
    """Move to a position, counted from the start of this rank's draws.

    Args:
        self (InfiniteSampler): The sampler.
        num_samples (int): Draws to leave out, not negative.

    Raises:
        ValueError: If it is negative.
    """
    if num_samples < 0:
        raise ValueError(f'num_samples is {num_samples}, it must not be < 0')
    self.indices = itertools.islice(self._indices_of_rank(), num_samples, None)


def add_skip() -> None:
    """Add the method where the class has none."""
    if not hasattr(InfiniteSampler, 'skip'):
        InfiniteSampler.skip = skip
