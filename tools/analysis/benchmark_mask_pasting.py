"""Measure the step from 28x28 mask predictions to masks of the image.

mmdet's ``FCNMaskHead`` is compared with ``cupre_mm.RLEMaskHead``, each in a
process of its own, on the same predictions. docs/benchmarks.md has figures.

Example:
    python tools/analysis/benchmark_mask_pasting.py --out pasting.json
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from mmdet.structures.mask import encode_mask_results
from mmengine.config import ConfigDict
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import InstanceData

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.measured_process import memory_mib

SIDES = {'stock': 'mmdet.FCNMaskHead', 'rle': 'cupre_mm.RLEMaskHead'}
MIB = 2**20
_PREDICTED = 28


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Measure time and peak memory of pasting mask '
        "predictions into the image: by mmdet's head, which gives dense "
        'masks, and by cupre_mm.RLEMaskHead, which gives run-length codes.'
    )
    parser.add_argument(
        '--instances',
        type=int,
        default=3000,
        help='Detections in the image. Defaults to 3000.',
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
        '--side',
        type=float,
        default=20,
        help='Median side of a box in pixels. Defaults to 20.',
    )
    parser.add_argument(
        '--repeats',
        type=int,
        default=5,
        help='Timed repeats of each side; the median counts. Defaults to 5.',
    )
    parser.add_argument(
        '--device', default='cpu', help='Torch device. Defaults to cpu.'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='Of the predictions.'
    )
    parser.add_argument('--out', help='JSON file to write the figures to.')
    parser.add_argument('--only', choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    for name in ('instances', 'repeats', 'side'):
        if getattr(args, name) <= 0:
            parser.error(f'--{name} must be positive')
    if min(args.size) < 1:
        parser.error('--size must be positive')
    if args.device.startswith('cuda') and not torch.cuda.is_available():
        raise BadConfigError(
            f'--device {args.device}, but this torch sees no GPU; use '
            '--device cpu'
        )
    return args


def random_predictions(
    args: argparse.Namespace,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw roundish, noisy predictions in boxes of cell size.

    Args:
        args (argparse.Namespace): The command line.

    Returns:
        tuple[Tensor, Tensor]: Logits (N, 1, 28, 28) and boxes (N, 4) as x1,
        y1, x2, y2, clipped to the image.
    """
    generator = torch.Generator().manual_seed(args.seed)
    number, (height, width) = args.instances, args.size
    size = torch.tensor([width, height])
    centres = torch.rand(number, 2, generator=generator) * size
    spread = torch.randn(number, 2, generator=generator)
    halves = args.side / 2 * torch.exp(0.4 * spread)
    low = (centres - halves).clamp(min=0)
    high = (centres + halves).minimum(size)
    axis = torch.linspace(-1, 1, _PREDICTED)
    disc = 5 - 6 * (axis[:, None] ** 2 + axis**2)
    noise = torch.randn(number, 1, _PREDICTED, _PREDICTED, generator=generator)
    device = torch.device(args.device)
    return (disc + noise).to(device), torch.cat([low, high], 1).to(device)


def measure_here(args: argparse.Namespace, side: str) -> dict[str, Any]:
    """Measure one side in this process.

    Args:
        args (argparse.Namespace): The command line.
        side (str): A key of ``SIDES``.

    Returns:
        dict[str, Any]: ``seconds`` of the step; ``until_coded``, those until
        all masks are codes on the CPU, as a metric needs them; ``peak_mib``
        of host memory above what the process held before the step;
        ``gpu_mib``, the same of the GPU, or None; ``digest`` of the codes.
    """
    init_default_scope('mmdet')
    head = MODELS.build(
        dict(type=SIDES[side], num_classes=1, num_convs=0, in_channels=1)
    )
    logits, boxes = random_predictions(args)
    on_gpu = logits.is_cuda

    def step(number: int | None = None) -> Any:
        kept = boxes[:number].clone()
        labels = kept.new_zeros(len(kept), dtype=torch.long)
        meta = dict(ori_shape=tuple(args.size), scale_factor=(1.0, 1.0))
        results = head.predict_by_feat(
            [logits[:number]],
            [InstanceData(bboxes=kept, labels=labels)],
            [meta],
            ConfigDict(mask_thr_binary=0.5),
            rescale=True,
        )
        if on_gpu:
            torch.cuda.synchronize()
        return results[0].masks

    def coded(masks: Any) -> list[dict]:
        if isinstance(masks, torch.Tensor):
            return encode_mask_results(masks.cpu().numpy())
        return masks

    coded(step(1))
    gpu_before = _start_gpu_peak() if on_gpu else 0
    host_peak = _watch_host_peak()
    masks = step()
    peak = host_peak()
    gpu = torch.cuda.max_memory_allocated() - gpu_before if on_gpu else None
    sha256 = hashlib.sha256()
    for code in coded(masks):
        sha256.update(code['counts'] + b'\n')
    del masks
    seconds, until_coded = [], []
    for _ in range(args.repeats):
        start = time.perf_counter()
        masks = step()
        seconds.append(time.perf_counter() - start)
        coded(masks)
        until_coded.append(time.perf_counter() - start)
        del masks
    return dict(
        seconds=median(seconds),
        until_coded=median(until_coded),
        peak_mib=peak,
        gpu_mib=None if gpu is None else gpu / MIB,
        threads=torch.get_num_threads(),
        digest=sha256.hexdigest(),
    )


def _start_gpu_peak() -> int:
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def _watch_host_peak() -> Callable[[], float]:
    """Begin to watch; the result tells the MiB above those held now."""
    held = 'VmRSS'
    try:
        # Linux: takes back the highest mark of the resident memory.
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:
        held = 'VmHWM'
    before = memory_mib()[held]
    # Linux counts pages in batches: a peak may read a little lower later.
    return lambda: max(0.0, memory_mib()['VmHWM'] - before)


def measure(args: argparse.Namespace, side: str) -> dict[str, Any]:
    """Measure one side in a process of its own.

    Args:
        args (argparse.Namespace): The command line.
        side (str): A key of ``SIDES``.

    Returns:
        dict[str, Any]: As :func:`measure_here`.

    Raises:
        BadDataError: If that process failed.
    """
    given = [
        f'--{name}={getattr(args, name)}'
        for name in ('instances', 'side', 'repeats', 'device', 'seed')
    ]
    here = Path(__file__).resolve()
    paths = [str(here.parents[2]), os.environ.get('PYTHONPATH', '')]
    done = subprocess.run(
        [sys.executable, here, f'--only={side}', *given]
        + ['--size', *map(str, args.size)],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(paths).strip(':')},
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise BadDataError(
            f'measuring {SIDES[side]} ended with code {done.returncode}; if '
            'memory ran out, lower --instances or --size'
        )
    return json.loads(done.stdout.splitlines()[-1])


def table(figures: dict[str, Any]) -> str:
    """Write the figures as a Markdown table.

    Args:
        figures (dict): ``sides``: figures of each side.

    Returns:
        str: The table.
    """
    names = {'seconds': 'time', 'until_coded': 'until coded'}
    names |= {'peak_mib': 'peak host memory', 'gpu_mib': 'peak GPU memory'}
    stock, rle = figures['sides']['stock'], figures['sides']['rle']
    rows = [
        f'| | {" | ".join(SIDES.values())} | ratio |',
        '|---|---|---|---|',
    ]
    for name, shown in names.items():
        if stock[name] is None:
            continue
        unit = 'MiB' if name.endswith('mib') else 's'
        digits = 1 if unit == 'MiB' else 3
        cells = [f'{one[name]:,.{digits}f} {unit}' for one in (stock, rle)]
        ratio = rle[name] / stock[name] if stock[name] else float('nan')
        rows.append(f'| {shown} | {cells[0]} | {cells[1]} | {ratio:.3f} |')
    return '\n'.join(rows)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, print and write.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        dict[str, Any]: The figures.

    Raises:
        BadDataError: If the two sides gave different masks.
    """
    args = parse_args(argv)
    if args.only:
        figures = measure_here(args, args.only)
        print(json.dumps(figures))
        return figures
    height, width = args.size
    print(
        f'{args.instances:,} instances at {height} x {width} px on '
        f'{args.device}, median of {args.repeats}',
        flush=True,
    )
    sides = {side: measure(args, side) for side in SIDES}
    if sides['stock']['digest'] != sides['rle']['digest']:
        raise BadDataError(
            'the two heads gave different masks: please report this with '
            'the command line and the versions of torch and mmdet'
        )
    figures = dict(
        instances=args.instances,
        size=args.size,
        device=args.device,
        sides=sides,
    )
    print(table(figures))
    print(f'The masks are equal. Threads: {sides["rle"]["threads"]}.')
    if args.out:
        write_atomically(
            Path(args.out), (json.dumps(figures, indent=1) + '\n').encode()
        )
        print(f'Figures: {args.out}')
    return figures


if __name__ == '__main__':
    main(sys.argv[1:])
