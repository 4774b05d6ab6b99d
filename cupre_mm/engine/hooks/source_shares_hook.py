"""Logs how many images of each source were really trained on."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from cupre_mm.registry import HOOKS
from cupre_mm.utils.errors import BadConfigError


@HOOKS.register_module()
class SourceSharesHook(Hook):
    """Counts the sources of the contrastive batches, over all processes.

    The counts are logged every ``interval`` iterations and at the end, with
    the shares that the sampler was asked for. They begin with the run: one
    that resumes counts from where it resumed, and says so. Each sample has
    to tell its ``source``: name it in the ``meta_keys`` of ``PackInputs``.
    Batches of plain loops are counted as those of ``AMT2TrainLoop``; a run
    without ``CellImages`` logs nothing.

    Args:
        interval (int): Iterations between two log entries.
            Defaults to 1000.

    Raises:
        BadConfigError: If the interval is not a positive whole number.
    """

    def __init__(self, interval: int = 1000) -> None:
        if not isinstance(interval, int) or interval < 1:
            raise BadConfigError(
                f'SourceSharesHook: interval={interval!r} must be a number '
                'of iterations, at least 1'
            )
        self.interval = interval
        self._names: list[str] = []

    def before_train(self, runner: Runner) -> None:
        """Learn the sources, and what share each is to have.

        Args:
            runner (Runner): The runner.
        """
        loader = _cell_loader(runner.train_dataloader)
        meta = getattr(getattr(loader, 'dataset', None), 'metainfo', {})
        self._asked = getattr(getattr(loader, 'sampler', None), 'shares', {})
        self._names = list(self._asked or meta.get('sources') or [])
        self._counts = torch.zeros(len(self._names) + 1, dtype=torch.int64)
        self._start = self._logged = runner.iter

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Count the batches of one iteration.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Number of the iteration.
            data_batch (dict, optional): Batches by task from
                :class:`~cupre_mm.datasets.DualDataLoader`, or one batch.
            outputs (dict, optional): Not used.
        """
        if not self._names:
            return
        for sample in _cell_samples(data_batch):
            source = getattr(sample, 'source', None)
            known = source in self._names
            self._counts[self._names.index(source) if known else -1] += 1
        if self.every_n_train_iters(runner, self.interval):
            self._log(runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        """Log the counts of the whole run.

        Args:
            runner (Runner): The runner.
        """
        if self._names and self._logged != runner.iter:
            self._log(runner.iter)

    def _log(self, iteration: int) -> None:
        self._logged = iteration
        counts = self._counts.clone()
        all_reduce(counts)
        *known, unknown = counts.tolist()
        total = sum(known) + unknown
        if total == 0:
            return
        lines = [
            f'  {name}: {count} images, {count / total:.1%}'
            + (f' (asked for {self._asked[name]:.1%})' if self._asked else '')
            for name, count in zip(self._names, known)
        ]
        print_log(
            f'Images trained on, iterations {self._start + 1} to '
            f'{iteration}, by source:\n' + '\n'.join(lines),
            logger='current',
        )
        if unknown:
            print_log(
                f'{unknown} of {total} images did not tell their source: '
                "write meta_keys=('img_path', 'source') in PackInputs of "
                "the unlabelled images' pipeline.",
                logger='current',
                level=logging.WARNING,
            )


def _cell_loader(loader: Any) -> DataLoader | None:
    loaders = getattr(loader, 'loaders', None)
    return loader if loaders is None else loaders.get('moco')


def _cell_samples(data_batch: Any) -> Iterator[Any]:
    if not isinstance(data_batch, Mapping):
        return
    by_task = isinstance(data_batch.get('moco'), list)
    by_task = by_task or isinstance(data_batch.get('det'), list)
    batches = data_batch.get('moco', []) if by_task else [data_batch]
    for batch in batches:
        yield from batch.get('data_samples', [])
