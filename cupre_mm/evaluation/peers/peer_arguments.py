"""Flags that the tools of the peers share."""

import argparse
import os
from pathlib import Path

from .peer_environment import PeerEnvironment


def add_environment_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say where the peer is.

    Args:
        parser (argparse.ArgumentParser): The parser, changed in place.
    """
    parser.add_argument(
        '--python',
        type=Path,
        required=True,
        help="Interpreter of the peer's own environment.",
    )
    parser.add_argument(
        '--threads',
        type=positive,
        help='Threads of the peer. Defaults to its own choice.',
    )


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which images are used.

    Args:
        parser (argparse.ArgumentParser): The parser, changed in place.
    """
    parser.add_argument(
        '--data',
        type=Path,
        default=Path(os.environ.get('CUPRE_DATA', 'data'), 'bbbc038'),
        help='Folder of the data set, with images/. Defaults to bbbc038 in '
        '$CUPRE_DATA or data.',
    )
    parser.add_argument(
        '--test',
        default='annotations/benchmark/seed0/test.json',
        help='The test part, from --data on. Defaults to '
        'annotations/benchmark/seed0/test.json.',
    )


def cellpose_environment(
    args: argparse.Namespace, drivers: Path
) -> PeerEnvironment:
    """Describe Cellpose's environment.

    Args:
        args (argparse.Namespace): ``python``, ``threads`` and ``work_dir``.
        drivers (Path): Folder of the drivers.

    Returns:
        PeerEnvironment: It, not checked yet.
    """
    names = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMBA_NUM_THREADS')
    threads = () if args.threads is None else names
    return PeerEnvironment(
        name='cellpose',
        # Not resolved: a virtual environment is told by its link.
        python=args.python.absolute(),
        driver=drivers / 'cellpose_driver.py',
        versions_wanted='3.',
        requirements="'cellpose>=3.1,<4'",
        variables={
            # Cellpose writes to the home folder otherwise.
            'CELLPOSE_LOCAL_MODELS_PATH': str(
                (args.work_dir / 'peers/models').resolve()
            ),
            **{name: str(args.threads) for name in threads},
        },
    )


def positive(text: str) -> int:
    """Read a whole number above 0.

    Args:
        text (str): What was given.

    Returns:
        int: The number.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is no number above 0')
    return int(text)
