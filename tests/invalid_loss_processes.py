"""What each of two gloo processes does for the tests of InvalidLossHook.

A module of its own, because a spawned process imports it by name.
"""

import os
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from cupre_mm.engine.hooks import InvalidLossHook
from cupre_mm.utils.errors import InvalidLossError
from tests.invalid_loss_runs import BATCH, toy_run


def work(rank: int, folder: Path) -> None:
    """Train where only the images of rank 1 are invalid at times."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    torch.set_num_threads(1)
    distributed.init_process_group(
        'gloo',
        init_method=f'file://{folder / "rendezvous"}',
        rank=rank,
        world_size=2,
        timeout=timedelta(minutes=5),
    )
    # Iterations 2, 4 and 5 of rank 1.
    invalid = [BATCH, 3 * BATCH, 4 * BATCH] if rank else []
    runner = toy_run(
        folder / 'run',
        [InvalidLossHook(max_in_a_row=2)],
        invalid=invalid,
        iterations=6,
        launcher='pytorch',
        cfg=dict(
            model_wrapper_cfg=dict(
                type='MMDistributedDataParallel',
                broadcast_buffers=False,
                device_ids=None,
            )
        ),
    )
    message = ''
    try:
        runner.train()
    except InvalidLossError as error:
        message = str(error)
    torch.save(
        dict(
            message=message,
            iteration=runner.iter,
            weights=dict(runner.model.module.named_parameters()),
            buffers=dict(runner.model.module.named_buffers()),
        ),
        folder / f'rank{rank}.pth',
    )
    distributed.destroy_process_group()
