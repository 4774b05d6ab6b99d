"""Test a model and report its average precision.

Example:
    python tools/test.py CONFIG CHECKPOINT --work-dir work_dirs/test
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mmdet.engine.hooks.utils import trigger_visualization_hook
from mmdet.utils import setup_cache_size_limit_of_dynamo
from mmengine.dist import is_main_process

from cupre_mm.evaluation import DumpPredictions
from cupre_mm.evaluation.report_files import write_report
from cupre_mm.evaluation.report_run import describe_run, image_folder_of
from cupre_mm.utils.checkpoint import read_checkpoint
from cupre_mm.utils.cli import (
    add_load_report,
    add_run_arguments,
    build_runner,
    check_data_files,
    exits_on_user_error,
    load_config,
)
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.evaluation_config import (
    ann_files_of,
    dataset_type_of,
    enable_tta,
    local_file_of,
    set_detector_limit,
)
from cupre_mm.utils.launch import start_processes, stop_processes


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Test a model: predict the test images, score the '
        'predictions, and write the report.'
    )
    add_run_arguments(parser)
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='Checkpoint to test, a file or a URL.',
    )
    parser.add_argument(
        '--checkpoint',
        dest='checkpoint_option',
        metavar='CHECKPOINT',
        help='The same, as a flag.',
    )
    parser.add_argument(
        '--out',
        help='Pickle file to write the predictions to, masks as run-length '
        'codes.',
    )
    parser.add_argument(
        '--report',
        nargs='?',
        const='',
        metavar='DIR',
        help='Write the report with pictures to this folder: report.html, '
        'one page to open and to send, report.md, report.json, report.csv '
        'with a row an image, plots/ and overlays/. Without a DIR it goes to '
        'the work dir. Without the flag, report.md, report.json and '
        'report.csv are written there, without pictures and page.',
    )
    parser.add_argument(
        '--no-report', action='store_true', help='Write no report.'
    )
    parser.add_argument(
        '--show', action='store_true', help='Show each prediction.'
    )
    parser.add_argument(
        '--show-dir',
        help='Save pictures of the predictions to this folder, inside the '
        'folder of this run in the work dir.',
    )
    parser.add_argument(
        '--wait-time',
        type=float,
        default=2,
        help='Seconds to show a prediction for. Defaults to 2.',
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help='Merge the predictions of flipped images too; boxes only.',
    )
    args = parser.parse_args(argv)
    given = {args.checkpoint, args.checkpoint_option} - {None}
    if len(given) != 1:
        parser.error('give one checkpoint: test.py CONFIG CHECKPOINT')
    args.checkpoint = given.pop()
    if args.out is not None and not args.out.endswith(('.pkl', '.pickle')):
        parser.error(f'--out must end in .pkl or .pickle, got {args.out}')
    return args


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    """Test what the config and the checkpoint describe.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.

    Returns:
        dict[str, float]: What the evaluator found.
    """
    args = parse_args(argv)
    setup_cache_size_limit_of_dynamo()
    config = load_config(args)
    for needed in ('model', 'test_dataloader', 'test_evaluator', 'test_cfg'):
        if config.get(needed) is None:
            raise BadConfigError(f'{args.config} has no {needed} to test')
    check_data_files(config, 'test_dataloader', 'test_evaluator')
    read_checkpoint(args.checkpoint, keep=True)
    config.load_from = args.checkpoint
    config.resume = False
    if args.show or args.show_dir:
        if 'visualization' not in config.get('default_hooks', {}):
            raise BadConfigError(
                "--show needs default_hooks.visualization=dict(type='"
                "DetVisualizationHook') in the config"
            )
        trigger_visualization_hook(config, args)
    set_detector_limit(config)
    if args.tta:
        enable_tta(config)
    else:
        add_load_report(config)
    start_processes(config)
    runner = build_runner(config)
    if args.out is not None:
        os.makedirs(os.path.dirname(args.out) or '.', exist_ok=True)
        runner.test_evaluator.metrics.append(
            DumpPredictions(out_file_path=args.out)
        )
    metrics = runner.test()
    if not args.no_report and is_main_process():
        report, details = describe_run(
            metrics,
            runner.test_evaluator.metrics,
            config=args.config,
            checkpoint=args.checkpoint,
            checkpoint_file=local_file_of(args.checkpoint),
            dataset=dataset_type_of(config.test_dataloader.dataset),
            ann_files=ann_files_of(config.test_evaluator),
        )
        print(f'\n{report.table()}\n')
        written = write_report(
            report,
            Path(args.report or config.work_dir),
            details,
            image_folder_of(runner.test_dataloader.dataset),
            pictures=args.report is not None,
        )
        for note in report.notes:
            print(f'Note: {note}')
        for path in written:
            print(f'Report: {path}')
    stop_processes()
    return metrics


if __name__ == '__main__':
    main()
