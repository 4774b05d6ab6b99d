"""One optimizer wrapper for each task."""

from collections.abc import Mapping

import torch.nn as nn
from mmengine.optim import OptimWrapperDict, build_optim_wrapper

from cupre_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.task_schedule import TASKS, split_step


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TaskOptimWrapperConstructor:
    """Builds an ``OptimWrapperDict`` with an entry for each step.

    Each optimizer holds all parameters: those that its task does not reach
    have no gradient in its step, so neither momentum nor weight decay moves
    them. What the tasks share is the weights, not the momentum.

    Args:
        optim_wrapper_cfg (dict): ``{step: optim wrapper config}`` with the
            steps of the schedule, such as 'moco' and 'det'.
        paramwise_cfg (dict, optional): Parameter-wise options for every
            wrapper that has none of its own. Defaults to None.

    Raises:
        BadConfigError: On an entry that is not a step.
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        if not isinstance(optim_wrapper_cfg, Mapping):
            raise BadConfigError(
                f'optim_wrapper={optim_wrapper_cfg!r} has no entries by step: '
                "write dict(constructor='cupre_mm.TaskOptimWrapperConstructor"
                "', moco=dict(...), det=dict(...))"
            )
        for step in optim_wrapper_cfg:
            if not isinstance(step, str) or not set(split_step(step)) <= set(
                TASKS
            ):
                raise BadConfigError(
                    f'optim_wrapper has an entry {step!r}, which is no step '
                    f"of a schedule: use {TASKS} or 'moco+det'."
                )
        self.optim_wrapper_cfg = optim_wrapper_cfg
        self.paramwise_cfg = paramwise_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build the wrappers.

        Args:
            model (nn.Module): The model to train.

        Returns:
            OptimWrapperDict: A wrapper for each step.
        """
        wrappers = {}
        for step, config in self.optim_wrapper_cfg.items():
            if self.paramwise_cfg is not None:
                config = {'paramwise_cfg': self.paramwise_cfg, **config}
            wrappers[step] = build_optim_wrapper(model, config)
        return OptimWrapperDict(**wrappers)
