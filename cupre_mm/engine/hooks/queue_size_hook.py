"""Warns of a queue that holds the queries' own images."""

import logging

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from cupre_mm.registry import HOOKS


@HOOKS.register_module()
class QueueSizeHook(Hook):
    """Compares queue and unlabelled data set before training.

    A queue as long as the data set holds a key of nearly every image, the
    query's own included, and contrast then pushes an image from itself.
    """

    def before_train(self, runner: Runner) -> None:
        """Warn when the queue is not smaller than data set less batch.

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
        images = len(loader.dataset)
        batch = loader.batch_size * get_world_size()
        length = queue.length
        if length < images - batch:
            return
        print_log(
            f'The queue holds {length} keys, but the unlabelled data set has '
            f'{images} images, {images - batch} without a batch of {batch}: '
            "queries will meet their own images' keys as negatives. Set "
            f'model.moco.queue.length below {images - batch}, or add images. '
            'With random crops of large images the harm is small.',
            logger='current',
            level=logging.WARNING,
        )
