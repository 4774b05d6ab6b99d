"""Keeps what is not a parameter the same on all processes."""

from collections.abc import Iterable

import torch
from mmengine.dist import all_reduce, broadcast, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cupre_mm.registry import HOOKS


@HOOKS.register_module()
class SyncStatisticsHook(Hook):
    """Averages running statistics of batch norm over all processes.

    A distributed wrapper keeps parameters equal, but each process collects
    running means and variances of its own batches, and a checkpoint has
    those of rank 0 alone. Here they become the mean of all processes' after
    every iteration, in one all-reduce of a few hundred kilobytes, so that
    every rank has the whole model and any checkpoint holds it.

    Layers that cannot differ are left out: ``SyncBatchNorm`` and layers in
    evaluation mode (``norm_eval``). Before training all buffers are taken
    from rank 0 once: mmengine's wrapper does not do it, and with
    ``randomness.diff_rank_seed`` each rank would begin with a queue of its
    own. With one process the hook does nothing.
    """

    # Before the hooks that average or save the model.
    priority = 'HIGH'

    def before_train(self, runner: Runner) -> None:
        """Take all buffers from rank 0, in one broadcast a type.

        Args:
            runner (Runner): The runner.
        """
        if get_world_size() == 1:
            return
        by_type: dict[torch.dtype, list[Tensor]] = {}
        for buffer in runner.model.buffers():
            by_type.setdefault(buffer.dtype, []).append(buffer)
        for buffers in by_type.values():
            flat = _flatten(buffers)
            broadcast(flat)
            _write_back(flat, buffers)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Average what the processes collected.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Number of the iteration; not used.
            data_batch (dict, optional): Not used.
            outputs (dict, optional): Not used.
        """
        if get_world_size() == 1:
            return
        statistics = _differing_statistics(runner.model)
        if not statistics:
            return
        # In float64 the mean of equal values is that value, to the bit, and
        # counts of batches stay whole.
        flat = _flatten([buffer.double() for buffer in statistics])
        all_reduce(flat, 'mean')
        _write_back(flat, statistics)


def _differing_statistics(model: nn.Module) -> list[Tensor]:
    """Buffers of batch norm that each process updates by itself."""
    found = []
    for layer in model.modules():
        if not isinstance(layer, _BatchNorm) or not layer.training:
            continue
        if isinstance(layer, nn.SyncBatchNorm):
            continue
        found += [
            buffer
            for buffer in (
                layer.running_mean,
                layer.running_var,
                layer.num_batches_tracked,
            )
            if buffer is not None
        ]
    return found


def _flatten(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _write_back(flat: Tensor, tensors: list[Tensor]) -> None:
    parts = flat.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts):
        tensor.copy_(part.view_as(tensor))
