"""Watches every training step for losses and gradients that are no numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from cupre_mm.utils.random_states import random_states


@dataclass
class Step:
    """One forward pass in training.

    Args:
        random (dict): States of the random generators before it.
        args (tuple): Positional arguments of the model.
        kwargs (dict): Keyword arguments: inputs, data samples, task, mode.
        losses (dict[str, Tensor]): What the model gave, without gradient.
        precision (str | None): Type that autocast computed in.
        own (bool): Whether this process, not only another one, had the
            loss, or else the gradient, that is not finite.
    """

    random: dict[str, Any]
    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    losses: dict[str, Tensor] = field(default_factory=dict)
    precision: str | None = None
    own: bool = False

    @property
    def task(self) -> str | None:
        """The task, of a model that has several."""
        return self.kwargs.get('task')


class StepWatch:
    """Skips steps with a loss or a gradient that is NaN or infinite.

    The optimizer then takes no step and the buffers, batch norm statistics
    and queue among them, go back to their values before the forward pass.
    All processes decide alike. Where a ``GradScaler`` is at work infinite
    gradients are its own to skip, unless its scale has fallen below 1.

    It knows models whose ``train_step`` calls them with ``mode='loss'``, as
    mmengine's ``BaseModel`` and its distributed wrapper do.

    Args:
        model (nn.Module): The model, in its distributed wrapper if it has
            one.
        wrappers (Iterable[OptimWrapper]): The optimizer wrappers.
    """

    def __init__(
        self, model: nn.Module, wrappers: Iterable[OptimWrapper]
    ) -> None:
        self._model = model
        self._step: Step | None = None
        self._buffers = list(model.buffers())
        self._copies = [torch.empty_like(buffer) for buffer in self._buffers]
        self._scalers = [
            scaler
            for wrapper in wrappers
            if (scaler := getattr(wrapper, 'loss_scaler', None)) is not None
        ]
        self._handles = [
            model.register_forward_pre_hook(
                self._before_forward, with_kwargs=True
            ),
            model.register_forward_hook(self._after_forward, with_kwargs=True),
            *(
                wrapper.optimizer.register_step_pre_hook(self._before_step)
                for wrapper in wrappers
            ),
        ]
        self._invalid: list[Step] = []

    def close(self) -> None:
        """Stop watching."""
        for handle in self._handles:
            handle.remove()
        self._step = None

    def take_invalid(self) -> list[Step]:
        """Give the skipped steps since the last call, of all processes."""
        self._settle()
        invalid, self._invalid = self._invalid, []
        return invalid

    def _before_forward(
        self, model: nn.Module, args: tuple, kwargs: dict
    ) -> None:
        if kwargs.get('mode') != 'loss':
            return
        # The last step is still open where a GradScaler took none.
        self._settle()
        self._step = Step(random=random_states())
        with torch.no_grad():
            torch._foreach_copy_(self._copies, self._buffers)

    def _after_forward(
        self, model: nn.Module, args: tuple, kwargs: dict, output: Any
    ) -> None:
        if self._step is None or not isinstance(output, Mapping):
            return
        device = next(model.parameters()).device.type
        if torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
            self._step.precision = str(dtype).removeprefix('torch.')
        self._step.args, self._step.kwargs = args, kwargs
        self._step.losses = _losses(output)

    def _before_step(
        self, optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict
    ) -> None:
        parameters = [
            one
            for group in optimizer.param_groups
            for one in group['params']
            if one.grad is not None
        ]
        if not self._settle([one.grad for one in parameters]):
            # Without gradients the optimizer leaves weights, momentum and
            # weight decay alone.
            for one in parameters:
                one.grad = None

    def _settle(self, gradients: list[Tensor] | None = None) -> bool:
        """Decide on the open step; give whether it is valid."""
        step, self._step = self._step, None
        if step is None:
            return True
        losses = _all_finite(list(step.losses.values()))
        if gradients is not None:
            norms = _all_finite(torch._foreach_norm(gradients, float('inf')))
        else:
            norms = float(
                all(scaler.get_scale() >= 1 for scaler in self._scalers)
            )
        here = torch.tensor([losses, norms])
        everywhere = here.clone()
        all_reduce(everywhere, 'min')
        if everywhere.min() > 0:
            return True
        # Averaging gives every process the gradient of the one at fault.
        cause = int(everywhere.argmin())
        step.own = not here[cause]
        with torch.no_grad():
            torch._foreach_copy_(self._buffers, self._copies)
        self._invalid.append(step)
        return False


def _all_finite(values: Sequence[Tensor]) -> float:
    if not values:
        return 1.0
    device = values[0].device
    stacked = torch.stack([value.to(device).float() for value in values])
    return float(stacked.isfinite().all())


def _losses(output: Mapping[str, Any]) -> dict[str, Tensor]:
    """Mean of each loss, as mmengine's ``parse_losses`` sums them."""
    found = {}
    for name, value in output.items():
        if 'loss' not in name:
            continue
        parts = [value] if isinstance(value, Tensor) else list(value)
        means = [part.detach().float().mean() for part in parts]
        if means:
            found[name] = torch.stack(means).sum()
    return found
