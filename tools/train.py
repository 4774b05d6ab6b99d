"""Train a model.

Example:
    python tools/train.py configs/amt2.py --work-dir work_dirs/amt2
"""

import argparse
from collections.abc import Sequence

from mmdet.utils import setup_cache_size_limit_of_dynamo
from mmengine.dist import is_main_process

from cupre_mm.utils.cli import (
    add_load_report,
    add_run_arguments,
    build_runner,
    check_checkpoints,
    check_data_files,
    enable_auto_scale_lr,
    exits_on_user_error,
    load_config,
)
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.evaluation_config import set_detector_limit
from cupre_mm.utils.launch import (
    check_same_start,
    start_processes,
    stop_processes,
)
from cupre_mm.utils.mixed_precision import add_amp_argument, enable_amp
from cupre_mm.utils.resume_point import set_resume


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(description='Train a model.')
    add_run_arguments(parser)
    add_amp_argument(parser)
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='Scale the learning rate by the real batch size over '
        'auto_scale_lr.base_batch_size of the config. With two data loaders '
        'the detection batch counts.',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='Resume from this checkpoint; without a value, from the last '
        'one of the work dir, or start anew if it has none.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Train what the config describes.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.
    """
    args = parse_args(argv)
    setup_cache_size_limit_of_dynamo()
    config = load_config(args)
    for needed in ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'):
        if config.get(needed) is None:
            raise BadConfigError(f'{args.config} has no {needed} to train')
    if args.amp:
        enable_amp(config, args.amp)
    if args.auto_scale_lr:
        enable_auto_scale_lr(config)
    start_processes(config)
    set_resume(config, args.resume)
    check_same_start(config)
    check_data_files(
        config, 'train_dataloader', 'val_dataloader', 'val_evaluator'
    )
    check_checkpoints(config)
    add_load_report(config)
    set_detector_limit(config)
    runner = build_runner(config)
    runner.train()
    if is_main_process():
        print(f'Checkpoints and logs are in {runner.work_dir}')
    stop_processes()


if __name__ == '__main__':
    main()
