"""What each of two gloo processes does for test_distributed.py.

Run as ``torchrun --nproc_per_node 2 -m tests.two_processes DATA FOLDER``.
"""

import copy
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from torch import Tensor, nn

from cupre_mm.datasets import DualDataLoader
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.launch import (
    check_same_start,
    start_processes,
    stop_processes,
)
from tests.tiny_amt2 import (
    ROOT,
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
# Two of them do not divide the 16 unlabelled images.
ODD_BATCH = 3
WRAPPER = dict(
    find_unused_parameters=True, broadcast_buffers=False, device_ids=None
)


def torchrun(
    *arguments: Any, processes: int = 2, **variables: str
) -> subprocess.CompletedProcess:
    """Run a script or module by torch's launcher, without a GPU.

    Args:
        *arguments (Any): Command line after torchrun's own flags.
        processes (int): Number of processes. Defaults to 2.
        **variables (str): Variables to add to the environment.

    Returns:
        subprocess.CompletedProcess: Its exit code and output.
    """
    return subprocess.run(
        [
            *(sys.executable, '-m', 'torch.distributed.run'),
            # A port of its own, which no other run can have taken.
            *('--standalone', '--nproc_per_node', str(processes)),
            *map(str, arguments),
        ],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=900,
    )


def environment(**variables: str) -> dict[str, str]:
    """This environment for a run on the CPU that can import the tests."""
    return {
        **os.environ,
        'CUDA_VISIBLE_DEVICES': '-1',
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': str(ROOT),
        **variables,
    }


def work(data: Path, folder: Path) -> None:
    """Do all runs of one rank, and write what they gave."""
    rank = int(os.environ['RANK'])
    torch.set_num_threads(1)
    start_processes(Config(dict(launcher='pytorch')))
    results = dict(
        run=_whole_run(data, folder / 'run'),
        own_seeds=_whole_run(
            data,
            folder / 'seeds',
            # One iteration: random keys are left in the queue.
            {'randomness.diff_rank_seed': True, 'train_cfg.max_iters': 1},
        ),
        no_hook=_whole_run(data, folder / 'no_hook', {'custom_hooks': []}),
        contrast=contrastive_steps(rank, world_size=2),
        shuffle=_shuffled_keys(rank),
        odd=images_drawn(data, ODD_BATCH),
        moved=_moved_by_each_task(data),
        too_large=_error_of_a_large_batch(data, folder),
        unlike=_error_of_starts_unlike(rank),
    )
    torch.save(results, folder / f'rank{rank}.pth')
    stop_processes()


def distributed_config(
    data: Path, folder: Path, options: dict[str, Any] | None = None
) -> Config:
    """Config of a run of two processes."""
    config = run_config(
        data,
        folder,
        {
            'train_cfg.max_iters': STEPS,
            'launcher': 'pytorch',
            'sync_bn': 'torch',
            'custom_hooks': [dict(type='cupre_mm.SyncStatisticsHook')],
            **(options or {}),
        },
    )
    start_processes(config)
    return config


def _whole_run(
    data: Path, folder: Path, options: dict[str, Any] | None = None
) -> dict:
    runner, recorder = train(distributed_config(data, folder, options))
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
        model = MMDistributedDataParallel(model, **WRAPPER)
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


def _shuffled_keys(rank: int) -> list[dict[str, Tensor]]:
    """What the key encoder saw and gave in steps of normalized views."""
    model = build_model().train()
    seen: list[tuple[Tensor, Tensor]] = []
    model.moco.encoder_k.register_forward_hook(
        lambda _, images, keys: seen.append((images[0].clone(), keys.clone()))
    )
    mine = slice(rank * BATCH, (rank + 1) * BATCH)
    steps = []
    for step in range(STEPS):
        views = [v[mine] / 255 for v in random_views(step, 2 * BATCH)]
        start = int(model.moco.queue.queue_ptr)
        with torch.no_grad():
            model.moco.loss(views, model.backbone)
            queue = model.moco.queue
            slots = torch.arange(start, start + 2 * BATCH) % queue.length
            images, keys = seen.pop()
            # A copy: a forward pass in train mode changes the statistics.
            unshuffled = copy.deepcopy(model.moco.encoder_k)(views[1])
        steps.append(
            dict(
                own=views[1],
                seen=images,
                given=keys,
                queued=queue.queue[:, slots].T.clone(),
                unshuffled=unshuffled,
            )
        )
    return steps


def images_drawn(data: Path, batch: int) -> list[list[str]]:
    """Unlabelled images of this process' first eight batches."""
    config = loader_config(data)
    del config['type']
    config['moco']['batch_size'] = batch
    return [
        [Path(sample.img_path).name for sample in draw['data_samples']]
        for draws in islice(DualDataLoader(**config, seed=3), 8)
        for draw in draws['moco']
    ]


def _moved_by_each_task(data: Path) -> dict[str, set[str]]:
    """Names of what one more step of each task changes."""
    config = loader_config(data)
    del config['type']
    batches = next(iter(DualDataLoader(**config, seed=0)))
    model = MMDistributedDataParallel(build_model(), **WRAPPER)
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
    # Two of 9 make 18, and there are 16 images.
    config = distributed_config(
        data, folder / 'too_large', {'train_dataloader.moco.batch_size': 9}
    )
    try:
        train(config)
    except ValueError as error:
        return str(error)
    return ''


def _error_of_starts_unlike(rank: int) -> str:
    check_same_start(Config(dict(resume=True, load_from='same.pth')))
    try:
        # As where rank 1 does not see the work dir of rank 0.
        check_same_start(
            Config(dict(resume=True, load_from='iter_5.pth'))
            if rank == 0
            else Config(dict(resume=False))
        )
    except BadConfigError as error:
        return str(error)
    return ''


if __name__ == '__main__':
    work(*map(Path, sys.argv[1:]))
