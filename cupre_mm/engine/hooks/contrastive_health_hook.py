"""Warns when the contrastive task learns nothing."""

import logging
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from cupre_mm.registry import HOOKS
from cupre_mm.utils.errors import BadConfigError

_FIGURES = ('feat_std', 'acc_top1', 'pos_sim', 'neg_sim')
_FIGURES_WITHOUT_QUEUE = ('feat_std', 'pos_sim')
# Accuracies of up to this many times that of guessing count as chance.
_NEAR_CHANCE = 2


@HOOKS.register_module()
class ContrastiveHealthHook(Hook):
    """Looks for collapse and for guessing in the contrastive task's figures.

    Every ``interval`` iterations it averages what
    :class:`~cupre_mm.models.MoCoLoss` logged meanwhile, over all processes,
    and warns in the log

    - of collapse, when the standard deviation of the queries is below
      ``min_std`` of the 1 / sqrt(C) of vectors that point everywhere
      (the figure of `SimSiam <https://arxiv.org/abs/2011.10566>`_);
    - of guessing, when after ``warmup_iters`` iterations the top-1 accuracy
      is no better than twice that of chance, 1 in K + 1 keys.

    It reads ``moco/feat_std``, ``moco/acc_top1``, ``moco/pos_sim`` and
    ``moco/neg_sim``, and is silent in runs without them. A method without a
    queue can only collapse: of it ``feat_std`` and ``pos_sim`` are read.

    Args:
        interval (int): Iterations that are averaged. Defaults to 100.
        warmup_iters (int): Iterations in which accuracy may be at chance.
            Defaults to 2000.
        min_std (float): Share of 1 / sqrt(C) below which queries count as
            collapsed. Defaults to 0.1.
        warn_interval (int): Iterations from one warning to the next of the
            same kind. Defaults to 2000.

    Raises:
        BadConfigError: If a number of iterations is negative, an interval
            below 1, or ``min_std`` not between 0 and 1.
    """

    def __init__(
        self,
        interval: int = 100,
        warmup_iters: int = 2000,
        min_std: float = 0.1,
        warn_interval: int = 2000,
    ) -> None:
        for name, value, least in (
            ('interval', interval, 1),
            ('warmup_iters', warmup_iters, 0),
            ('warn_interval', warn_interval, 1),
        ):
            if not isinstance(value, int) or value < least:
                raise BadConfigError(
                    f'ContrastiveHealthHook: {name}={value!r} must be a '
                    f'number of iterations, at least {least}'
                )
        if not 0 < min_std < 1:
            raise BadConfigError(
                f'ContrastiveHealthHook: min_std={min_std!r} must be between '
                '0 and 1, a share of 1 / sqrt(C)'
            )
        self.interval = interval
        self.warmup_iters = warmup_iters
        self.min_std = min_std
        self.warn_interval = warn_interval

    def before_train(self, runner: Runner) -> None:
        """Learn the sizes that the figures are compared with.

        Args:
            runner (Runner): The runner.
        """
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        branch = getattr(model, 'moco', None)
        queue = getattr(branch, 'queue', None)
        self._dim, self._length = (
            (queue.dim, queue.length)
            if queue is not None
            else (getattr(branch, 'dim', 0), 0)
        )
        self._figures = _FIGURES if self._length else _FIGURES_WITHOUT_QUEUE
        loader = getattr(runner.train_dataloader, 'loaders', {}).get('moco')
        # One image has no spread.
        self._has_spread = getattr(loader, 'batch_size', None) != 1
        self._sums: torch.Tensor | int = 0
        self._count = 0
        self._warned: dict[str, int] = {}

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Add up the figures, and judge them once in a while.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Number of the iteration.
            data_batch (Any, optional): Not used.
            outputs (dict, optional): What the iteration logged.
        """
        names = [f'moco/{name}' for name in self._figures]
        if not self._dim or not outputs:
            return
        if all(name in outputs for name in names):
            values = [torch.as_tensor(outputs[name]) for name in names]
            self._sums = self._sums + torch.stack(values).detach().float()
            self._count += 1
        if not self.every_n_train_iters(runner, self.interval):
            return
        if self._count:
            # A NaN of a skipped step compares as false: no warning here.
            means = self._sums / self._count
            all_reduce(means, 'mean')
            self._judge(
                runner.iter + 1, dict(zip(self._figures, means.tolist()))
            )
        self._sums, self._count = 0, 0

    def _judge(self, iteration: int, means: dict[str, float]) -> None:
        spread = self._dim**-0.5
        chance = 100 / (self._length + 1)
        known = (
            ('feat_std', f'{{:.2g}} (1 / sqrt(C) is {spread:.2g})'),
            ('acc_top1', f'{{:.2g}} % (chance is {chance:.2g} %)'),
            ('pos_sim', '{:.3f}'),
            ('neg_sim', '{:.3f}'),
        )
        figures = ', '.join(
            f'{name} {text.format(means[name])}'
            for name, text in known
            if name in means
        )
        seen = f'Means of the last {self.interval} iterations: {figures}.'
        collapsed = means['feat_std'] < self.min_std * spread
        if collapsed and self._has_spread:
            self._warn(
                'collapse',
                iteration,
                'The contrastive task has collapsed: nearly the same vector '
                f'for every image. {seen} Lower the learning rate of this '
                'task or lengthen its warm-up, clip gradients, check that '
                'model.moco.momentum, if there is one, is small (0.001 is '
                'the 0.999 of MoCo) and that the unlabelled images are not '
                'all alike, and start again from before: a collapsed model '
                'does not recover.',
            )
        elif (
            self._length
            and iteration > self.warmup_iters
            and means['acc_top1'] <= _NEAR_CHANCE * chance
        ):
            self._warn(
                'guessing',
                iteration,
                'The contrastive task does not tell images apart: its '
                f'accuracy is at chance. {seen} Look at the views '
                '(crop_ratio_range, blur and jitter may leave nothing in '
                'common), keep model.moco.queue.length below the number of '
                'unlabelled images, try a temperature of 0.1 to 0.5, a '
                'higher learning rate or a larger contrastive batch, and '
                'leave out repeated images.',
            )

    def _warn(self, kind: str, iteration: int, message: str) -> None:
        last = self._warned.get(kind)
        if last is not None and iteration - last < self.warn_interval:
            return
        self._warned[kind] = iteration
        print_log(message, logger='current', level=logging.WARNING)
