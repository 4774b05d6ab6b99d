"""Time an AMT2 pair against the two stock steps that it joins.

One iteration of ``AMT2TrainLoop`` (a contrastive and a detection step) is
compared with a step of stock mmpretrain ``MoCo`` plus a step of the stock
mmdet detector. docs/benchmarks.md says what is timed and how.

Example:
    python tools/analysis/benchmark_pair.py --out pair.json
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from tqdm import trange

from cupre_mm.datasets import DualDataLoader
from cupre_mm.evaluation.report import stack_versions
from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.mixed_precision import enable_amp
from cupre_mm.utils.no_exec import add_no_exec_argument
from cupre_mm.utils.no_exec import read_config as read_any_config
from cupre_mm.utils.pair_benchmark.config_sizes import (
    add_size_arguments,
    read_sizes,
)
from cupre_mm.utils.pair_benchmark.pair_timings import (
    processor,
    summarize,
    table,
)
from cupre_mm.utils.pair_benchmark.random_batches import (
    BatchSizes,
    random_loaders,
)
from cupre_mm.utils.pair_benchmark.stock_models import (
    stock_detector,
    stock_detector_weights,
    stock_moco,
    stock_moco_weights,
)
from cupre_mm.utils.pair_benchmark.timed_runner import TimedRunner

DEFAULT_CONFIG = Path(__file__).parents[2] / 'configs/mini/amt2_mini.py'
# Losses of the same work differ by rounding alone; by AMP.
SAME_LOSS = {False: 1e-3, True: 2e-2}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Time an AMT2 pair against a stock MoCo step plus a '
        'stock detection step, on the same sizes, weights and batches. '
        'Sizes that are not given are those of the config.'
    )
    parser.add_argument(
        '--config',
        default=str(DEFAULT_CONFIG),
        help='Pre-training config. Defaults to configs/mini/amt2_mini.py.',
    )
    add_no_exec_argument(parser)
    add_size_arguments(parser)
    parser.add_argument(
        '--repeats',
        type=int,
        default=20,
        help='How often each side is timed, in turn. Defaults to 20.',
    )
    parser.add_argument(
        '--warmup',
        type=int,
        default=3,
        help='Steps of each side before that, not counted. Defaults to 3.',
    )
    parser.add_argument(
        '--device',
        default='cpu',
        choices=('cpu', 'cuda'),
        help='Where to compute. Defaults to cpu.',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='Mixed precision on both sides. Needs --device cuda.',
    )
    parser.add_argument('--out', help='JSON file to write the figures to.')
    args = parser.parse_args(argv)
    if args.image_size and len(args.image_size) > 2:
        parser.error('--image-size takes one number or two')
    for name in ('batch_size', 'views', 'view_size', 'repeats', 'warmup'):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1')
    return args


def read_config(args: argparse.Namespace) -> Config:
    """Read the config and set it up for the comparison.

    Args:
        args (argparse.Namespace): The command line.

    Returns:
        Config: The config, with a learning rate of 0.

    Raises:
        MissingDataError: If there is no such config.
        BadConfigError: If it does not train both tasks by one optimizer, or
            the device is not there.
    """
    if not Path(args.config).is_file():
        raise MissingDataError(f'the config {args.config} does not exist')
    if args.device == 'cuda' and not torch.cuda.is_available():
        raise BadConfigError('--device cuda: torch finds no GPU')
    if args.amp and args.device == 'cpu':
        raise BadConfigError('--amp needs --device cuda')
    config = read_any_config(args.config, args.no_exec)
    loaders = config.get('train_dataloader') or {}
    if not (loaders.get('moco') and loaders.get('det')):
        raise BadConfigError(
            f'{args.config} has no train_dataloader of both tasks: give a '
            'pre-training config such as configs/amt2.py'
        )
    if 'optimizer' not in config.optim_wrapper:
        raise BadConfigError(
            f'{args.config}: optim_wrapper must be one for both tasks'
        )
    if args.amp:
        enable_amp(config)
    # The optimizer does all its work, but the weights stay: every repeat and
    # both sides compute the same, which is checked by the losses.
    config.optim_wrapper.optimizer.lr = 0.0
    config.model.backbone.init_cfg = None
    return config


def measure(
    config: Config, sizes: BatchSizes, args: argparse.Namespace, folder: str
) -> dict[str, Any]:
    """Time both sides in turn.

    Args:
        config (Config): Config of :func:`read_config`.
        sizes (BatchSizes): Sizes of the batches.
        args (argparse.Namespace): The command line.
        folder (str): Where runners may write.

    Returns:
        dict[str, Any]: 'seconds' and 'peak_memory' by side, and
        'loss_difference', the largest relative one, and 'queue', its length.
    """
    model = config.model
    # Stock MoCo asks for a queue that batches divide.
    queue = model.moco.queue
    queue.length = max(queue.length // sizes.views, 1) * sizes.views
    pair_loader = DualDataLoader(**random_loaders(sizes))
    plans = {
        'pair': (model, pair_loader, 'cupre_mm.AMT2TrainLoop'),
        'moco': (
            stock_moco(model),
            random_loaders(sizes)['moco'],
            'IterBasedTrainLoop',
        ),
        'det': (
            stock_detector(model),
            random_loaders(sizes)['det'],
            'IterBasedTrainLoop',
        ),
    }
    sides: dict[str, TimedRunner] = {}
    peaks: dict[str, int] = {}
    for name, plan in plans.items():
        side = TimedRunner(
            name, *plan, config.optim_wrapper, args.device, folder
        )
        if name == 'pair':
            # On the CPU, so that they do not count as memory of a side.
            weights = {
                key: value.detach().cpu().clone()
                for key, value in side.model.state_dict().items()
            }
        elif name == 'moco':
            side.model.load_state_dict(stock_moco_weights(weights))
        else:
            side.model.load_state_dict(stock_detector_weights(weights))
        # Momentum buffers are there from the second step on.
        peaks[name] = side.peak_memory(max(args.warmup, 2))
        sides[name] = side
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    difference = 0.0
    for repeat in trange(args.repeats, desc='repeats'):
        # Each side goes first in turn, so that neither gains by its place.
        order = ['moco', 'det', 'pair'] if repeat % 2 else list(sides)
        for name in order:
            seconds[name].append(sides[name].step(seed=repeat))
        for task in ('moco', 'det'):
            stock = sides[task].loss()
            gap = abs(sides['pair'].loss(task) - stock) / abs(stock)
            # Unlike max(), this keeps a NaN.
            difference = float(np.maximum(difference, gap))
    return dict(
        seconds=seconds,
        peak_memory=peaks if args.device == 'cuda' else None,
        loss_difference=difference,
        queue=queue.length,
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
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(config, sizes, args, folder)
    device = torch.cuda.get_device_name() if args.device == 'cuda' else 'CPU'
    summary = dict(
        config=args.config,
        machine=f'{processor()}, {device}',
        threads=torch.get_num_threads(),
        amp=args.amp,
        versions=stack_versions(),
        sizes=asdict(sizes),
        repeats=args.repeats,
        **summarize(measured, sizes, SAME_LOSS[args.amp]),
    )
    print(table(summary))
    if args.out:
        write_atomically(
            Path(args.out), (json.dumps(summary, indent=1) + '\n').encode()
        )
        print(f'Figures: {args.out}')
    return summary


if __name__ == '__main__':
    main()
