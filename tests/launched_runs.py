"""Whole runs of tools/train.py in several processes.

Each process imports this module by its config, for the hook.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from tests.tiny_amt2 import BatchRecorder, run_config

TRAIN = 'tools/train.py'


@HOOKS.register_module()
class RankRecorder(BatchRecorder):
    """Writes what each process drew and ended with.

    Args:
        folder (str): Where ``rank{N}.pth`` is written after training, and
            ``pid{N}`` before it.
        lost_rank (int): Process that a signal hits. Defaults to -1, none.
        lost_at (int): Number of iterations that are done then.
            Defaults to 0.
        lost_by (str): The signal. Defaults to 'SIGKILL'.
    """

    def __init__(
        self,
        folder: str,
        lost_rank: int = -1,
        lost_at: int = 0,
        lost_by: str = 'SIGKILL',
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.lost = (lost_rank, lost_at, getattr(signal, lost_by))

    def before_train(self, runner: Runner) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f'pid{runner.rank}').write_text(str(os.getpid()))

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict
    ) -> None:
        super().before_train_iter(runner, batch_idx, data_batch)
        rank, iteration, number = self.lost
        if (runner.rank, runner.iter) == (rank, iteration):
            (self.folder / 'lost_at').write_text(str(time.time()))
            os.kill(os.getpid(), number)

    def after_train(self, runner: Runner) -> None:
        model = getattr(runner.model, 'module', runner.model)
        written = dict(
            state=model.state_dict(),
            optimizer=runner.optim_wrapper.state_dict(),
            iterations=self.iterations,
            losses=[
                {name: float(v) for name, v in one.items() if 'loss' in name}
                for one in self.outputs
            ],
            random=torch.get_rng_state(),
        )
        torch.save(written, self.folder / f'rank{runner.rank}.pth')


def write_config(
    path: Path, data: Path, options: dict[str, Any], **recorder: Any
) -> Path:
    """Write the config of a tiny AMT2 run with all the hooks of real ones.

    Args:
        path (Path): The config file to write.
        data (Path): Folder of the demo data.
        options (dict): Values to change, by dotted keys.
        **recorder (Any): Arguments of :class:`RankRecorder`; its folder is
            beside the config file.

    Returns:
        Path: The config file.
    """
    config = run_config(
        data,
        path.with_name('work'),
        {
            'custom_imports': dict(imports=['tests.launched_runs']),
            'default_hooks.checkpoint.type': 'cupre_mm.WholeCheckpointHook',
            'default_hooks.random_state': dict(
                type='cupre_mm.RandomStateHook'
            ),
            'default_hooks.safe_stop': dict(type='cupre_mm.SafeStopHook'),
            'default_hooks.sync_statistics': dict(
                type='cupre_mm.SyncStatisticsHook'
            ),
            'custom_hooks': [
                dict(
                    type='RankRecorder',
                    folder=str(path.with_suffix('')),
                    **recorder,
                )
            ],
            **options,
        },
    )
    config.dump(path)
    return path


def is_alive(pid_file: Path) -> bool:
    """Whether the process still runs that wrote the file."""
    status = Path('/proc', pid_file.read_text(), 'status')
    # One that has ended and was not waited for is no running one.
    return status.exists() and 'State:\tZ' not in status.read_text()
