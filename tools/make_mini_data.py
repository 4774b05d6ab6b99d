"""Unpack and convert the real images of ``configs/mini/``.

Example:
    python tools/make_mini_data.py data --source ../shared/data
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cupre_mm.utils.benchmark_grid.data_preparation import run_preparation
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.mini_data import mini_data_commands

TOOLS = Path(__file__).resolve().parent


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Unpack the COCO subset and the unlabelled cells that '
        'configs/mini/ is pre-trained on, and convert BBBC038, which it is '
        'fine-tuned on. What is there is not written again.'
    )
    parser.add_argument(
        'data',
        nargs='?',
        type=Path,
        default=Path('data'),
        help='Data root. Defaults to data.',
    )
    parser.add_argument(
        '--source',
        type=Path,
        default=Path('../shared/data'),
        help='Folder with bbbc038_stage1_train.zip, coco_mini.zip and '
        'cells_unlabelled.zip. Defaults to ../shared/data.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> int:
    """Make the data.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        int: Exit code 0.
    """
    args = parse_args(argv)
    commands = mini_data_commands(args.source, args.data)
    run_preparation(
        [
            [sys.executable, str(TOOLS / tool), *rest]
            for tool, *rest in commands
        ]
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
