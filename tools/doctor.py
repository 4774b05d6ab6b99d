"""Examine the installation, the machine and the data folders.

Example:
    python tools/doctor.py --json doctor.json
"""

# Annotations stay text, so that an old Python gets as far as the message.
from __future__ import annotations

import argparse
import json
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path

LOWEST = (3, 10)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Examine Python, torch, the OpenMMLab distributions, '
        'their compiled operators, the GPU, the data folders, disk space and '
        'mim. For each it prints ok, warning or problem, and the commands '
        'that mend it. Exit code: 0 without problems, warnings or not; 1 '
        'with problems, or with warnings under --strict.'
    )
    parser.add_argument(
        '--json',
        nargs='?',
        const='-',
        metavar='FILE',
        help='Write the findings to this file too; without FILE, print them '
        'as json and nothing else.',
    )
    parser.add_argument(
        '--data-root',
        type=Path,
        default=Path(os.environ.get('CUPRE_DATA', 'data')),
        metavar='DIR',
        help='Root of all data. Defaults to $CUPRE_DATA, else data.',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs'),
        metavar='DIR',
        help='Where runs write. Defaults to work_dirs.',
    )
    parser.add_argument(
        '--min-free-gb',
        type=float,
        default=5.0,
        metavar='GB',
        help='Free space of --work-dir, in 10^9 bytes, below which there is '
        'a problem. Defaults to 5, two runs of configs/amt2.py.',
    )
    parser.add_argument(
        '--timeout',
        type=float,
        default=300.0,
        metavar='SECONDS',
        help='How long importing packages and running their operators may '
        'take before it counts as hanging. Defaults to 300.',
    )
    parser.add_argument(
        '--strict',
        action='store_true',
        help='Let warnings count for the exit code.',
    )
    return parser.parse_args(argv)


def load_doctor() -> types.ModuleType:
    """Import the checks without running ``cupre_mm/__init__.py``.

    It refuses the very sets of distributions that are to be examined.

    Returns:
        ModuleType: ``cupre_mm.utils.doctor``.
    """
    parents = Path(__file__).resolve().parents
    # Beside tools/ in a checkout; a wheel has cupre_mm/.mim/tools/doctor.py.
    places = [parents[1] / 'cupre_mm', *parents[2:3]]
    folder = next(
        place for place in places if (place / 'utils' / 'doctor').is_dir()
    )
    package = types.ModuleType('cupre_mm')
    package.__path__ = [str(folder)]
    sys.modules.setdefault('cupre_mm', package)
    from cupre_mm.utils import doctor

    return doctor


def main(argv: Sequence[str] | None = None) -> int:
    """Examine and print.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        int: Exit code.
    """
    args = parse_args(argv)
    if sys.version_info < LOWEST:
        print(
            'problem  python  {}.{}: CPython 3.10 to 3.12 is needed\n'
            '         mend: make setup PYTHON=python3.12'.format(
                *sys.version_info
            )
        )
        return 1
    doctor = load_doctor()
    state = doctor.State(
        data_root=args.data_root,
        work_dir=args.work_dir,
        folder=Path.cwd(),
        min_free_gb=args.min_free_gb,
    )
    findings = doctor.examine(state, args.timeout)
    report = json.dumps(doctor.to_json(findings), indent=2)
    if args.json == '-':
        print(report)
    else:
        print(doctor.to_text(findings))
        print('\nFor a bug report:\n')
        print(doctor.to_bug_report(findings))
    if args.json not in (None, '-'):
        doctor.write_report(Path(args.json), report)
        print(f'\nJson: {args.json}')
    grave = [doctor.PROBLEM, *([doctor.WARNING] if args.strict else [])]
    return int(doctor.worst(findings) in grave)


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
