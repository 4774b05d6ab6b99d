"""Feed the project inputs that nobody wrote, and list what it trips over.

Example:
    python tools/analysis/fuzz.py --target image_read --cases 2000

Runs from a checkout, with the dev extra installed (hypothesis); --coverage
needs atheris as well.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.errors import BadConfigError, MissingDataError

ROOT = Path(__file__).resolve().parents[2]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description='Feed mutated annotation files, split inputs, images, '
        'config values and predictions to the code that reads them. Anything '
        'but an error of cupre_mm.utils.errors is a failure: another '
        'exception, a crash of the interpreter, a hang, an allocation of '
        'more than a GiB. Exits with 1 if there is one.'
    )
    parser.add_argument(
        '--target',
        nargs='+',
        metavar='NAME',
        help='The targets to run, see --list. Defaults to all.',
    )
    parser.add_argument(
        '--cases',
        type=int,
        default=1000,
        help='Cases of each target. Defaults to 1000.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='Chooses the cases. Defaults to 0.',
    )
    parser.add_argument(
        '--time',
        type=float,
        default=600.0,
        metavar='SECONDS',
        help='Time after which a target starts no more cases. Defaults to '
        '600.',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('fuzz_failures'),
        metavar='DIR',
        help='Folder for the inputs that fail. Defaults to fuzz_failures.',
    )
    parser.add_argument(
        '--coverage',
        action='store_true',
        help='Let atheris choose the cases by the code that they reach.',
    )
    parser.add_argument(
        '--replay',
        type=Path,
        metavar='FILE',
        help='Run one saved input of the one --target, with its trace.',
    )
    parser.add_argument(
        '--list', action='store_true', help='Print the targets and leave.'
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> int:
    """Run campaigns and say what failed.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        int: 0 if nothing failed, 1 if something did.
    """
    args = parse_args(argv)
    if not (ROOT / 'tests' / 'fuzz').is_dir():
        raise MissingDataError(
            f'{ROOT} has no tests/fuzz: run tools/analysis/fuzz.py from a '
            'checkout of the repository'
        )
    sys.path.insert(0, str(ROOT))
    try:
        from tests.fuzz.targets import all_targets
    except ModuleNotFoundError as error:
        raise MissingDataError(
            f'{error}; install the dev extra: pip install -e .[dev]'
        ) from error
    targets = all_targets()
    if args.list:
        print('\n'.join(targets))
        return 0
    names = args.target or list(targets)
    unknown = [name for name in names if name not in targets]
    if unknown:
        raise BadConfigError(
            f'--target {" ".join(unknown)}: there are {", ".join(targets)}'
        )
    if args.replay is not None:
        return _replay(targets, names, args.replay)
    return _run(names, args)


def _run(names: Sequence[str], args: argparse.Namespace) -> int:
    from tests.fuzz.campaign import run_campaign

    cases = failures = 0
    for name in names:
        found = run_campaign(
            name, args.cases, args.seed, args.time, args.out, args.coverage
        )
        cases += found.cases
        failures += len(found.failures)
        print(
            f'{name}: {found.cases} cases, {found.refused} refused with a '
            f'documented error, {len(found.failures)} distinct failures, '
            f'{found.seconds:.0f} s',
            flush=True,
        )
        for failure in found.failures.values():
            message = ' '.join(failure.message.split())[:200]
            print(
                f'  {failure.count} x {failure.place}: {message}\n'
                f'    replay: python tools/analysis/fuzz.py --target {name} '
                f'--replay {failure.file}',
                flush=True,
            )
    print(
        f'{cases} cases of {len(names)} targets with seed {args.seed}: '
        f'{failures} distinct failures'
        + (f', inputs in {args.out}' if failures else '')
    )
    return int(failures > 0)


def _replay(targets: dict, names: Sequence[str], file: Path) -> int:
    from tempfile import TemporaryDirectory

    from tests.fuzz.targets import attempt

    if len(names) != 1:
        raise BadConfigError('--replay needs the one --target of the input')
    if not file.is_file():
        raise MissingDataError(f'the input {file} does not exist')
    with TemporaryDirectory() as folder:
        error = attempt(targets[names[0]], file.read_bytes(), Path(folder))
    print(f'refused: {error}' if error else 'accepted')
    return 0


if __name__ == '__main__':
    sys.exit(main())
