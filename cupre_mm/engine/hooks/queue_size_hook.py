"""Warns of a queue that holds the queries' own images."""

import logging
from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from cupre_mm.registry import HOOKS

# Below this share they are noise.
_HARMLESS = 0.1


@HOOKS.register_module()
class QueueSizeHook(Hook):
    """Compares queue and unlabelled data set before training.

    Every pass over the images has an order of its own, so an image may come
    again soon after its last time, while the queue still holds its key:
    contrast then pushes an image from itself. See
    :func:`share_of_own_keys`.
    """

    def before_train(self, runner: Runner) -> None:
        """Warn when a tenth of the queries or more meet their own image.

        Args:
            runner (Runner): The runner.
        """
        loader = getattr(runner.train_dataloader, 'loaders', {}).get('moco')
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        # A method without negatives has no queue.
        queue = getattr(getattr(model, 'moco', None), 'queue', None)
        if loader is None or queue is None:
            return
        returns = _returns(loader)
        share = share_of_own_keys(queue.length, returns)
        if share < _HARMLESS:
            return
        # What an image of the busiest source allows.
        fitting = int((2 * _HARMLESS) ** 0.5 * min(r for r, _ in returns))
        print_log(
            f'The queue holds {queue.length} keys, and the unlabelled data '
            f'set has {len(loader.dataset)} images: about {share:.0%} of the '
            'queries meet a key of their own image among the negatives. Set '
            f'model.moco.queue.length to {fitting} or less, or add images. '
            'With random crops of large images the harm is small.',
            logger='current',
            level=logging.WARNING,
        )


def share_of_own_keys(
    length: int, returns: list[tuple[float, float]]
) -> float:
    """Share of the queries whose own image has a key in the queue.

    With images drawn in passes, each in random order, the distance between
    two draws of an image is the sum of two even distributions: it is below
    K with a chance of (K / N)^2 / 2 for K up to N, and is never above 2 N.

    Args:
        length (int): Keys in the queue, K.
        returns (list[tuple[float, float]]): For each source, the mean
            number of draws from one of an image to its next, N, and its
            share of the draws.

    Returns:
        float: The share, from 0 to 1.
    """
    total = 0.0
    for between, share in returns:
        ratio = min(length / between, 2.0)
        chance = ratio**2 / 2 if ratio <= 1 else 1 - (2 - ratio) ** 2 / 2
        total += share * chance
    return total


def _returns(loader: DataLoader) -> list[tuple[float, float]]:
    shares: Mapping[str, float] = getattr(loader.sampler, 'shares', {})
    if not shares:
        return [(len(loader.dataset), 1.0)]
    images = loader.sampler.images_of_source
    return [
        (images[name] / share, share)
        for name, share in shares.items()
        if share > 0
    ]
