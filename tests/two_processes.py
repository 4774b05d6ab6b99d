"""What each of two gloo processes does for test_distributed.py.

A module of its own, because a spawned process imports it by name.
"""

import os
from datetime import timedelta
from pathlib import Path

import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from torch import distributed, nn

from cupre_mm.datasets import DualDataLoader
from tests.tiny_amt2 import (
    SGD,
    build_model,
    changed,
    loader_config,
    model_config,
    random_views,
    run_config,
    train,
    weights_of,
)

STEPS = 3
BATCH = 4
WRAPPER = dict(
    type='MMDistributedDataParallel',
    find_unused_parameters=True,
    broadcast_buffers=False,
    # A runner puts the number of a GPU here by default.
    device_ids=None,
)


def work(rank: int, data: Path, folder: Path) -> None:
    """Do all runs of one rank, and write what they gave."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    torch.set_num_threads(1)
    # The runner's own start of the processes needs a GPU; it takes over a
    # group that is there.
    distributed.init_process_group(
        'gloo',
        init_method=f'file://{folder / "rendezvous"}',
        rank=rank,
        world_size=2,
        timeout=timedelta(minutes=10),
    )
    results = dict(
        run=_whole_run(data, folder),
        contrast=contrastive_steps(rank, world_size=2),
        moved=_moved_by_each_task(data),
        too_large=_error_of_a_large_batch(data, folder),
    )
    torch.save(results, folder / f'rank{rank}.pth')
    distributed.destroy_process_group()


def _whole_run(data: Path, folder: Path) -> dict:
    config = run_config(
        data,
        folder / 'run',
        {
            'train_cfg.max_iters': STEPS,
            'launcher': 'pytorch',
            'model_wrapper_cfg': WRAPPER,
        },
    )
    runner, recorder = train(config)
    model = runner.model.module
    return dict(
        wrapper=type(runner.model).__name__,
        state=model.state_dict(),
        parameters=[name for name, _ in model.named_parameters()],
        iterations=recorder.iterations,
        outputs=recorder.outputs,
    )


def contrastive_steps(rank: int, world_size: int) -> dict:
    """Contrastive steps on this process' part of seeded views.

    Batch norm uses its running statistics: those of a batch would not be
    the same for a whole batch and for its halves.
    """
    config = model_config()
    config.backbone.norm_eval = True
    model: nn.Module = build_model(config)
    if world_size > 1:
        model = MMDistributedDataParallel(
            model, **{k: v for k, v in WRAPPER.items() if k != 'type'}
        )
    wrapper = build_optim_wrapper(model, SGD)
    model.train()
    share = BATCH // world_size
    mine = slice(rank * share, (rank + 1) * share)
    losses = []
    for step in range(STEPS):
        views = [view[mine] for view in random_views(step, BATCH)]
        data = dict(inputs=views, data_samples=[], task='moco')
        log = model.train_step(data, wrapper)
        losses.append(log['loss'].item())
    model = getattr(model, 'module', model)
    return dict(state=model.state_dict(), losses=losses)


def _moved_by_each_task(data: Path) -> dict[str, set[str]]:
    """Names of what one more step of each task changes."""
    config = loader_config(data)
    del config['type']
    batches = next(iter(DualDataLoader(**config, seed=0)))
    model = MMDistributedDataParallel(
        build_model(), **{k: v for k, v in WRAPPER.items() if k != 'type'}
    )
    wrapper = build_optim_wrapper(model.module, SGD)
    model.train()
    moved = {}
    # Twice: momentum could move an idle parameter once it has some.
    for task in ('moco', 'det') * 2:
        before = weights_of(model.module)
        model.train_step({**batches[task][0], 'task': task}, wrapper)
        moved[task] = changed(before, weights_of(model.module))
    return moved


def _error_of_a_large_batch(data: Path, folder: Path) -> str:
    config = run_config(
        data,
        folder / 'too_large',
        {
            'launcher': 'pytorch',
            'model_wrapper_cfg': WRAPPER,
            # Two of 9 make 18, and there are 16 images.
            'train_dataloader.moco.batch_size': 9,
        },
    )
    try:
        train(config)
    except ValueError as error:
        return str(error)
    return ''
