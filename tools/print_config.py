"""Print a config with all that it inherits, or write it as json or yaml.

Example:
    python tools/print_config.py configs/amt2.py --out amt2.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import DictAction

from cupre_mm.utils.cli import exits_on_user_error, load_config
from cupre_mm.utils.data_config import write_data_config
from cupre_mm.utils.no_exec import add_no_exec_argument


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Print or write a config.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.
    """
    parser = argparse.ArgumentParser(
        description='Print a config with all that it inherits. A Python '
        'config is run for that. With --out it is written as one json or '
        'yaml file, which --no-exec of the other tools takes.'
    )
    parser.add_argument('config', help='Config file.')
    parser.add_argument(
        '--out',
        metavar='FILE',
        help='File to write, .json, .yaml or .yml. Paths and values of '
        'environment variables stay as they are now.',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='Values to change in the config, each as key=value.',
    )
    add_no_exec_argument(parser)
    args = parser.parse_args(argv)
    args.launcher, args.local_rank, args.work_dir = 'none', 0, None
    config = load_config(args)
    # What load_config adds for a run is no part of the config.
    for key in ('launcher', 'work_dir'):
        config.pop(key)
    if args.out is None:
        print(config.pretty_text)
    else:
        write_data_config(config, args.out)
        print(f'Wrote {Path(args.out)}')


if __name__ == '__main__':
    main()
