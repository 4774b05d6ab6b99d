"""Measure a training and a test step on one image with thousands of cells.

The model of a config is compared with the same model made of mmdet's parts,
which hold all cells at once, each step in a process of its own.
docs/benchmarks.md has figures.

Example:
    OMP_NUM_THREADS=1 python tools/analysis/benchmark_dense.py --out dense.json
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.dense_benchmark.dense_image import dense_image
from cupre_mm.utils.dense_benchmark.measured_step import STEPS, measured_step
from cupre_mm.utils.errors import BadConfigError, BadDataError

ROOT = Path(__file__).resolve().parents[2]
CONFIG = (
    ROOT / 'configs/finetune/livecell'
    '/scratch_cascade-mask-rcnn_r50_fpn_100pct_livecell.py'
)
SIDES = ('stock', 'chunked')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Measure time and peak memory of a training and a test '
        'step of a detector on one generated image with thousands of cells, '
        "with cupre_mm's chunked parts and with those of mmdet, on the CPU."
    )
    parser.add_argument(
        '--config',
        default=str(CONFIG),
        help='Config of a detector with chunked parts. Defaults to the one '
        'for LIVECell from scratch.',
    )
    parser.add_argument(
        '--instances',
        type=int,
        default=3000,
        help='Cells in the image, and detections. Defaults to 3000.',
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=[520, 704],
        metavar=('HEIGHT', 'WIDTH'),
        help="Size of the image. Defaults to LIVECell's, 520 704.",
    )
    parser.add_argument(
        '--steps',
        nargs='+',
        choices=list(STEPS),
        default=list(STEPS),
        help='Steps to measure. Defaults to both.',
    )
    parser.add_argument(
        '--skip-stock',
        action='store_true',
        help="Leave out mmdet's parts, which need up to 16 GiB of memory.",
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='Of weights and cells.'
    )
    parser.add_argument('--out', help='JSON file to write the figures to.')
    parser.add_argument('--only', nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if min(args.instances, *args.size) < 1:
        parser.error('--instances and --size must be positive')
    return args


def measure_here(
    args: argparse.Namespace, step: str, side: str, out: str
) -> None:
    """Take one step in this process and write its figures and results.

    Args:
        args (argparse.Namespace): The command line.
        step (str): A key of ``STEPS``.
        side (str): One of ``SIDES``.
        out (str): File to write to, by ``torch.save``.
    """
    image = dense_image(args.instances, args.size, args.seed)
    measured = measured_step(
        args.config, image, step, side == 'chunked', args.seed
    )
    torch.save(measured, out)


def measure(
    args: argparse.Namespace, step: str, side: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take one step in a process of its own.

    Args:
        args (argparse.Namespace): The command line.
        step (str): A key of ``STEPS``.
        side (str): One of ``SIDES``.

    Returns:
        tuple[dict, dict]: As :func:`measured_step`.

    Raises:
        BadDataError: If that process failed.
    """
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    given = [f'--config={args.config}', f'--instances={args.instances}']
    given += [f'--seed={args.seed}', '--size', *map(str, args.size)]
    with TemporaryDirectory() as folder:
        out = Path(folder) / 'result.pth'
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve())]
            + [*given, '--only', step, side, str(out)],
            env={
                **os.environ,
                'PYTHONPATH': os.pathsep.join(paths).strip(':'),
            },
        )
        if done.returncode:
            raise BadDataError(
                f'the {step} step with {side} parts ended with code '
                f'{done.returncode}; if memory ran out, lower --instances or '
                "leave mmdet's parts out with --skip-stock"
            )
        return torch.load(out, weights_only=True)


def difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Compare what came of two steps.

    Args:
        one (dict[str, Any]): Tensors, and lists of run-length codes.
        other (dict[str, Any]): The same.

    Returns:
        dict[str, Any]: ``equal``, whether all is equal to the bit;
        ``largest``, the largest difference of two numbers relative to the
        largest number of their tensor; ``masks``, the masks that differ.
    """
    largest, masks = 0.0, 0
    for name, value in one.items():
        if name == 'masks':
            masks = sum(a != b for a, b in zip(value, other[name]))
            masks += abs(len(value) - len(other[name]))
        elif value.shape != other[name].shape:
            largest = float('inf')
        elif value.numel():
            apart = (value.double() - other[name].double()).abs().max()
            scale = max(float(value.double().abs().max()), 1e-12)
            largest = max(largest, float(apart) / scale)
    equal = largest == 0 and masks == 0
    return dict(equal=equal, largest=largest, masks=masks)


def table(steps: dict[str, dict[str, Any]]) -> str:
    """Write the figures as a Markdown table.

    Args:
        steps (dict): By step, the figures of each side.

    Returns:
        str: The table.
    """
    rows = ['| step | | mmdet | chunked | ratio |', '|---|---|---|---|---|']
    shown = {
        'peak_mib': ('peak memory', 'MiB', 0),
        'step_seconds': ('processor time', 's', 1),
        'loading_seconds': ('annotations loaded', 's', 1),
    }
    for step, sides in steps.items():
        for name, (title, unit, digits) in shown.items():
            values = [sides.get(side, {}).get(name) for side in SIDES]
            cells = [
                '' if value is None else f'{value:,.{digits}f} {unit}'
                for value in values
            ]
            ratio = '' if None in values else f'{values[1] / values[0]:.2f}'
            rows.append(
                f'| {step} | {title} | {" | ".join(cells)} | {ratio} |'
            )
    return '\n'.join(rows)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> dict[str, Any] | None:
    """Measure, print and write.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        dict[str, Any]: The figures.

    Raises:
        BadConfigError: If there is no such config.
    """
    args = parse_args(argv)
    if args.only:
        measure_here(args, *args.only)
        return None
    if not Path(args.config).is_file():
        raise BadConfigError(f'--config {args.config}: there is no such file')
    height, width = args.size
    print(f'{args.instances:,} cells on {height} x {width} px', flush=True)
    sides = SIDES[1:] if args.skip_stock else SIDES
    steps = {}
    for step in args.steps:
        measured = {side: measure(args, step, side) for side in sides}
        steps[step] = {side: one[0] for side, one in measured.items()}
        if 'stock' in measured:
            steps[step]['difference'] = difference(
                *(result for _, result in measured.values())
            )
    print(table(steps))
    for step, figures in steps.items():
        if 'difference' in figures:
            print(f'Difference of the {step} step: {figures["difference"]}')
    figures = dict(
        config=args.config,
        instances=args.instances,
        size=args.size,
        steps=steps,
    )
    if args.out:
        write_atomically(
            Path(args.out), (json.dumps(figures, indent=1) + '\n').encode()
        )
        print(f'Figures: {args.out}')
    return figures


if __name__ == '__main__':
    main(sys.argv[1:])
