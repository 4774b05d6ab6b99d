"""Train a model.

Example:
    python tools/train.py configs/amt2.py --work-dir work_dirs/amt2
"""

import argparse
from collections.abc import Sequence

from mmdet.utils import setup_cache_size_limit_of_dynamo

from cupre_mm.utils.cli import (
    add_load_report,
    add_run_arguments,
    build_runner,
    check_checkpoints,
    check_data_files,
    enable_amp,
    enable_auto_scale_lr,
    exits_on_user_error,
    load_config,
    set_resume,
)
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.evaluation_config import set_detector_limit


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
    parser.add_argument(
        '--amp',
        action='store_true',
        help='Train with mixed precision, in every optimizer wrapper of the '
        'config. Needs a GPU.',
    )
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
        enable_amp(config)
    if args.auto_scale_lr:
        enable_auto_scale_lr(config)
    set_resume(config, args.resume)
    check_data_files(
        config, 'train_dataloader', 'val_dataloader', 'val_evaluator'
    )
    check_checkpoints(config)
    add_load_report(config)
    set_detector_limit(config)
    runner = build_runner(config)
    runner.train()
    print(f'Checkpoints and logs are in {runner.work_dir}')


if __name__ == '__main__':
    main()
