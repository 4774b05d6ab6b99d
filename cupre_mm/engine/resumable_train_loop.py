"""Training by iterations that resumes with the same augmented images."""

from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from cupre_mm.datasets.seeded_stream import build_seeded_loader, follow_seed
from cupre_mm.registry import LOOPS
from cupre_mm.utils.argument_checks import config_values


def seed_of_run(runner: Runner) -> int:
    """Give the seed that all processes of a run have in common.

    Args:
        runner (Runner): The runner.

    Returns:
        int: ``runner.seed`` without what ``randomness.diff_rank_seed`` adds.
    """
    if runner._randomness_cfg.get('diff_rank_seed', False):
        return runner.seed - get_rank()
    return runner.seed


@LOOPS.register_module()
class ResumableTrainLoop(IterBasedTrainLoop):
    """mmengine's loop by iterations, exact when it resumes.

    The n-th image and its augmentations depend on the seed and n alone; see
    :mod:`cupre_mm.datasets.seeded_stream`. With
    :class:`~cupre_mm.engine.RandomStateHook` an interrupted run goes on as if
    nothing had happened.

    Args:
        runner (Runner): The runner.
        dataloader (dict | DataLoader): Config of the data loader. A built one
            is taken as it is.
        max_iters (int): Number of iterations.
        **kwargs: Further arguments of
            :class:`mmengine.runner.IterBasedTrainLoop`.

    Raises:
        BadConfigError: If a value cannot be used, or what the loader has
            drawn cannot be skipped.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: dict | DataLoader,
        max_iters: int,
        **kwargs: Any,
    ) -> None:
        self._seed = seed_of_run(runner)
        loader = build_seeded_loader(
            dataloader, 'train', self._seed, 'train_dataloader'
        )
        with config_values('train_cfg', max_iters=max_iters, **kwargs):
            super().__init__(runner, loader, max_iters, **kwargs)

    def run(self) -> torch.nn.Module:
        """Train.

        Returns:
            torch.nn.Module: The trained model.
        """
        # Where the config names no seed, the checkpoint has it.
        follow_seed(self.dataloader, self._seed, seed_of_run(self.runner))
        return super().run()
