"""Measure what the processes of a distributed run send in an AMT2 pair.

A random batch of each task is trained on; every collective is counted with
its bytes, the sockets' own counters are read beside it, and the sum is
given for other numbers of processes. docs/distributed.md has results.

Example:
    torchrun --nproc_per_node 2 tools/analysis/measure_communication.py \
        --out communication.json
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import (
    all_reduce,
    barrier,
    get_world_size,
    is_main_process,
)
from mmengine.runner import Runner

from cupre_mm.datasets import DualDataLoader
from cupre_mm.evaluation.report import stack_versions
from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.communication.ring_traffic import (
    USED_MAP,
    scale_views,
    summarize_calls,
    table,
    total_sent,
)
from cupre_mm.utils.communication.traffic_recorder import (
    TrafficRecorder,
    bytes_sent,
)
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.launch import start_processes, stop_processes
from cupre_mm.utils.no_exec import add_no_exec_argument
from cupre_mm.utils.no_exec import read_config as read_any_config
from cupre_mm.utils.pair_benchmark.config_sizes import (
    add_size_arguments,
    read_sizes,
)
from cupre_mm.utils.pair_benchmark.random_batches import (
    BatchSizes,
    random_loaders,
)

DEFAULT_CONFIG = Path(__file__).parents[2] / 'configs/mini/amt2_mini.py'
PREDICTED = (2, 4, 8, 16, 32)
# Of the default hooks, those that take part in every iteration.
_HOOKS = ('sync_statistics', 'safe_stop', 'invalid_loss')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Measure the communication of an AMT2 pair. Start it '
        'with torchrun, in two processes or more. Sizes that are not given '
        'are those of the config.'
    )
    parser.add_argument(
        '--config',
        default=str(DEFAULT_CONFIG),
        help='Pre-training config. Defaults to configs/mini/amt2_mini.py.',
    )
    add_no_exec_argument(parser)
    add_size_arguments(parser)
    parser.add_argument(
        '--launcher',
        choices=['pytorch', 'slurm', 'mpi'],
        default='pytorch',
        help='What started the processes. Defaults to pytorch: torchrun.',
    )
    parser.add_argument(
        '--pairs',
        type=int,
        default=2,
        help='Pairs to measure, after one that is not. Defaults to 2.',
    )
    parser.add_argument('--out', help='JSON file to write the figures to.')
    args = parser.parse_args(argv)
    for name in ('batch_size', 'views', 'view_size', 'pairs'):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1')
    return args


def read_config(args: argparse.Namespace) -> Config:
    """Read the config and take out what needs data or a network.

    Args:
        args (argparse.Namespace): The command line.

    Returns:
        Config: The config.

    Raises:
        MissingDataError: If there is no such config.
        BadConfigError: If it is not for both tasks.
    """
    if not Path(args.config).is_file():
        raise MissingDataError(f'the config {args.config} does not exist')
    config = read_any_config(args.config, args.no_exec)
    loaders = config.get('train_dataloader') or {}
    if not (loaders.get('moco') and loaders.get('det')):
        raise BadConfigError(
            f'{args.config} has no train_dataloader of both tasks: give a '
            'pre-training config such as configs/amt2.py'
        )
    config.model.backbone.init_cfg = None
    config.launcher = args.launcher
    return config


def build_runner(
    config: Config, loader: DualDataLoader, folder: str
) -> Runner:
    """Build a runner that trains on random batches.

    Args:
        config (Config): Config of :func:`read_config`.
        loader (DualDataLoader): Loader of both tasks.
        folder (str): Where the runner may write.

    Returns:
        Runner: The runner, with its model wrapped and its optimizer built.
    """
    hooks = dict.fromkeys(
        (
            *('timer', 'logger', 'param_scheduler', 'checkpoint'),
            'sampler_seed',
        )
    )
    hooks |= {
        name: config.default_hooks[name]
        for name in _HOOKS
        if config.get('default_hooks', {}).get(name)
    }
    schedule = config.train_cfg.get('schedule', ('moco', 'det'))
    runner = Runner(
        model=config.model,
        work_dir=folder,
        train_dataloader=loader,
        train_cfg=dict(
            type='cupre_mm.AMT2TrainLoop', max_iters=1000, schedule=schedule
        ),
        optim_wrapper=config.optim_wrapper.to_dict(),
        default_hooks=hooks,
        default_scope='mmdet',
        launcher=config.launcher,
        env_cfg=config.env_cfg,
        randomness=dict(seed=0),
        log_level='ERROR',
        experiment_name=Path(folder).name,
        cfg=Config(
            dict(
                model_wrapper_cfg=config.get('model_wrapper_cfg'),
                find_unused_parameters=config.get(
                    'find_unused_parameters', False
                ),
                sync_bn=config.get('sync_bn'),
            )
        ),
    )
    runner.model.train()
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    return runner


def measure(runner: Runner, pairs: int) -> tuple[list[dict], float | None]:
    """Train some pairs and record what is sent.

    Args:
        runner (Runner): The runner.
        pairs (int): Number of pairs.

    Returns:
        tuple[list[dict], float | None]: Rows of
        :func:`~cupre_mm.utils.communication.ring_traffic.summarize_calls`,
        and bytes that the sockets sent in a pair, mean over processes.
    """
    loop, model = runner.train_loop, runner.model
    batch = next(iter(loop.dataloader))
    recorder = TrafficRecorder()
    recorder.watch_gradients(model)
    original = model.train_step
    tensors = sum(p.requires_grad for p in model.parameters())

    def train_step(data: dict, optim_wrapper: Any) -> dict:
        recorder.step = data['task']
        outputs = original(data, optim_wrapper)
        if model.find_unused_parameters:
            recorder.add(
                'all_reduce', torch.empty(tensors, dtype=torch.int32), USED_MAP
            )
        recorder.step = 'hooks'
        return outputs

    model.train_step = train_step
    loop.run_iter(batch)
    recorder.calls.clear()
    barrier()
    before = bytes_sent()
    with recorder.recording():
        for _ in range(pairs):
            loop.run_iter(batch)
    after = bytes_sent()
    sockets = None
    if torch.distributed.get_backend() == 'gloo' and None not in (
        before,
        after,
    ):
        mean = torch.tensor([(after - before) / pairs], dtype=torch.float64)
        all_reduce(mean, 'mean')
        sockets = float(mean)
    return summarize_calls(recorder.calls, pairs), sockets


def summarize(
    rows: list[dict],
    sockets: float | None,
    sizes: BatchSizes,
    full: BatchSizes,
) -> dict[str, Any]:
    """Hold the formula against the sockets, and give it for more processes.

    Args:
        rows (list[dict]): What was recorded.
        sockets (float, optional): Bytes that the sockets sent.
        sizes (BatchSizes): Sizes that were trained with.
        full (BatchSizes): Sizes of the config, which are predicted.

    Returns:
        dict[str, Any]: The figures.
    """
    views = full.views / sizes.views
    scaled = scale_views(
        rows, views * (full.view_size / sizes.view_size) ** 2, views
    )
    return dict(
        world_size=get_world_size(),
        rows=rows,
        formula=total_sent(rows, get_world_size()),
        sockets=sockets,
        predicted_rows=scaled,
        predicted={n: total_sent(scaled, n) for n in PREDICTED},
    )


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, print and write.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        dict[str, Any]: The figures.
    """
    args = parse_args(argv)
    config = read_config(args)
    sizes = read_sizes(config, args)
    full = read_sizes(config, parse_args(['--config', args.config]))
    # Before there are several processes: they may share so small a set.
    loader = DualDataLoader(**random_loaders(sizes))
    start_processes(config)
    with tempfile.TemporaryDirectory() as folder:
        runner = build_runner(config, loader, folder)
        rows, sockets = measure(runner, args.pairs)
    summary = dict(
        config=args.config,
        backend=torch.distributed.get_backend(),
        versions=stack_versions(),
        sizes=asdict(sizes),
        predicted_sizes=asdict(full),
        pairs=args.pairs,
        **summarize(rows, sockets, sizes, full),
    )
    if is_main_process():
        print(table(summary))
        print(
            f'\nThe last table is for {full.views} views of '
            f'{full.view_size} px a process, the sizes of {args.config}.'
        )
        if args.out:
            write_atomically(
                Path(args.out), (json.dumps(summary, indent=1) + '\n').encode()
            )
            print(f'Figures: {args.out}')
    stop_processes()
    return summary


if __name__ == '__main__':
    main()
