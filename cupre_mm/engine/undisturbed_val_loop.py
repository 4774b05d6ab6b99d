"""Validation during training that leaves no trace in the training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.runner import Runner, ValLoop
from torch import nn

from cupre_mm.registry import LOOPS
from cupre_mm.utils.random_states import random_states, set_random_states


@LOOPS.register_module()
class UndisturbedValLoop(ValLoop):
    """mmengine's ``ValLoop``, after which training goes on as without it.

    The weights at the end are bit-identical with validation and without: a
    data loader draws a seed whenever it starts, which would shift every
    later draw of RoIs, and mode switches could leave batch norm in the wrong
    one. Random states and the mode of every module are put back.

    It watches a pre-training run forget what it learned before::

        val_cfg = dict(type='cupre_mm.UndisturbedValLoop')

    Args:
        runner (Runner): The runner.
        *args: Arguments of :class:`mmengine.runner.ValLoop`.
        **kwargs: Keyword arguments of it.
    """

    def __init__(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        # The loader's worker seeds and sampler may draw when it is built.
        with _random_states_kept():
            super().__init__(runner, *args, **kwargs)

    def run(self) -> dict:
        """Validate.

        Returns:
            dict: What the evaluator found.
        """
        with _random_states_kept(), _modes_kept(self.runner.model):
            return super().run()


@contextmanager
def _random_states_kept() -> Iterator[None]:
    states = random_states()
    try:
        yield
    finally:
        set_random_states(states)


@contextmanager
def _modes_kept(model: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        # Not train(): that of a backbone decides for its parts.
        for module, mode in modes.items():
            module.training = mode
