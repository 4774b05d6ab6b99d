"""Batch norm of an encoder that two tasks train on two kinds of images."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from mmengine.model import BaseModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from cupre_mm.registry import MODELS
from cupre_mm.utils.errors import BadConfigError

_STATISTICS = ('running_mean', 'running_var', 'num_batches_tracked')
_AFFINE = ('weight', 'bias')


@MODELS.register_module()
class TaskBatchNorm(BaseModule):
    """The contrastive task's own batch norm in a shared encoder.

    Statistics by domain, as in `DSBN <https://arxiv.org/abs/1906.03950>`_.
    The encoder keeps its plain layers, and with them its names and the
    statistics of the detection images; those of the cells are here, and are
    put into the encoder only while the contrastive task computes. A detector
    of a checkpoint therefore loads as any other.

    In training each batch is normalised by its own statistics, and each
    batch is of one task. Separate running statistics thus leave the weights
    as they are without; what changes is what evaluation, frozen batch norm
    and a checkpoint see. Scale and shift do take part in training.

    The first use copies the encoder's layers, so weights that are loaded
    after construction are where it starts from.

    Args:
        encoder (nn.Module): The encoder; not registered here.
        affine (bool): Whether scale and shift are the task's own as well.
            Defaults to False.

    Raises:
        BadConfigError: If the encoder has no batch norm, or computes its
            forward pass a second time (``with_cp``).
    """

    def __init__(self, encoder: nn.Module, affine: bool = False) -> None:
        super().__init__()
        found = _layers_of(encoder)
        if not found:
            raise BadConfigError(
                'TaskBatchNorm: the encoder has no batch norm with running '
                'statistics; leave model.moco.batch_norm out for a backbone '
                'such as Swin or ConvNeXt.'
            )
        if any(getattr(m, 'with_cp', False) for m in encoder.modules()):
            raise BadConfigError(
                'TaskBatchNorm cannot be used with with_cp=True: its second '
                'forward pass would count cells among the statistics of '
                'detection. Set model.backbone.with_cp=False.'
            )
        self.affine = affine
        self._exchanged = _STATISTICS + (_AFFINE if affine else ())
        # Layers, not bare buffers: what synchronises, converts or moves
        # batch norm finds these too.
        self.layers = nn.ModuleDict()
        for name, layer in found.items():
            own = deepcopy(layer)
            if not affine:
                own.affine = False
                own.weight = own.bias = None
            self.layers[_key(name)] = own
        self.register_buffer('in_use', torch.zeros(1, dtype=torch.long))

    @contextmanager
    def put_into(self, encoder: nn.Module) -> Iterator[None]:
        """Let the encoder use these layers' values within the context.

        Args:
            encoder (nn.Module): The encoder.

        Raises:
            BadConfigError: If all its batch norm is frozen in training.
        """
        pairs = [
            (layer, self.layers[_key(name)])
            for name, layer in _layers_of(encoder).items()
        ]
        if self.training and not any(layer.training for layer, _ in pairs):
            raise BadConfigError(
                'TaskBatchNorm: all batch norm of the encoder is in '
                'evaluation mode, so no statistics of cells are collected. '
                'Set model.backbone.norm_eval=False, or leave '
                'model.moco.batch_norm out.'
            )
        if not self.in_use:
            self._copy(pairs)
            self.in_use.fill_(1)
        self._exchange(pairs)
        try:
            yield
        finally:
            self._exchange(pairs)

    @torch.no_grad()
    def _copy(self, pairs: list[tuple[nn.Module, nn.Module]]) -> None:
        for layer, own in pairs:
            for name in self._exchanged:
                value = getattr(layer, name)
                if value is not None:
                    getattr(own, name).copy_(value)

    def _exchange(self, pairs: list[tuple[nn.Module, nn.Module]]) -> None:
        # The tensors change places, not their values: optimizers and
        # distributed wrappers know parameters by identity.
        for layer, own in pairs:
            for name in self._exchanged:
                held = '_parameters' if name in _AFFINE else '_buffers'
                mine, theirs = getattr(own, held), getattr(layer, held)
                mine[name], theirs[name] = theirs[name], mine[name]


def _layers_of(encoder: nn.Module) -> dict[str, nn.Module]:
    return {
        name: layer
        for name, layer in encoder.named_modules()
        if isinstance(layer, _BatchNorm) and layer.running_mean is not None
    }


def _key(name: str) -> str:
    # The names of a ModuleDict have no dots.
    return name.replace('.', '-')
