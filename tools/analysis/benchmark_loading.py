"""Measure what loading an annotation file of LIVECell's size takes.

mmdet's ``CocoDataset`` is compared with ``cupre_mm.CheckedCocoDataset``,
once without and once with its cache, each in a process of its own.
docs/benchmarks.md has figures.

Example:
    python tools/analysis/benchmark_loading.py --fraction 0.1 --out load.json
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from cupre_mm.utils.atomic_write import make_folder, write_atomically
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.loading_benchmark.livecell_sized import (
    NUM_IMAGES,
    NUM_INSTANCES,
    write_livecell_sized,
)
from cupre_mm.utils.loading_benchmark.measured_load import (
    Load,
    Measurement,
    measure,
)

MIB = 2**20
SIDES = {
    'mmdet': 'mmdet CocoDataset',
    'first': 'CheckedCocoDataset, first load',
    'cached': 'CheckedCocoDataset, from its cache',
}
FIGURES = ('seconds', 'peak', 'kept', 'access')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Measure time and peak memory of loading a COCO file of '
        "LIVECell's size: by mmdet, and by cupre_mm without and with its "
        'cache. The whole size needs 2 GB of disk and, for mmdet, 8 GB of '
        'memory.'
    )
    parser.add_argument(
        '--fraction',
        type=float,
        default=1.0,
        help=f'Share of the {NUM_IMAGES:,} images and {NUM_INSTANCES:,} '
        'instances that is generated. Defaults to 1.',
    )
    parser.add_argument(
        '--ann',
        help='A COCO json to load instead of a generated one; needs --images.',
    )
    parser.add_argument('--images', help='Folder of the images of --ann.')
    parser.add_argument(
        '--classes',
        nargs='+',
        default=['cell'],
        help='Class names of --ann. Defaults to cell.',
    )
    parser.add_argument(
        '--folder',
        help='Folder for the generated files and the cache; what is written '
        'there is deleted at the end. Defaults to a temporary one.',
    )
    parser.add_argument(
        '--repeats',
        type=int,
        default=1,
        help='How often each side loads, in turn; the median counts. Defaults '
        'to 1.',
    )
    parser.add_argument(
        '--skip-mmdet',
        action='store_true',
        help='Leave mmdet out, where memory is too small for it.',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='Of the generator. Defaults to 0.'
    )
    parser.add_argument('--out', help='JSON file to write the figures to.')
    args = parser.parse_args(argv)
    if not 0 < args.fraction <= 1:
        parser.error('--fraction must be above 0 and at most 1')
    if args.repeats < 1:
        parser.error('--repeats must be at least 1')
    if bool(args.ann) != bool(args.images):
        parser.error('--ann and --images go together')
    return args


def measure_sides(
    args: argparse.Namespace, folder: Path
) -> dict[str, dict[str, Any] | None]:
    """Load by each side in turn.

    Args:
        args (argparse.Namespace): The command line.
        folder (Path): Where the json and the cache may be written.

    Returns:
        dict[str, dict | None]: Median figures of each side, None where it
        was killed.

    Raises:
        MissingDataError: If there is no such json.
        BadDataError: If the sides gave different data.
    """
    ann_file, images = args.ann, args.images
    if ann_file is None:
        ann_file, images = str(folder / 'generated.json'), str(folder / 'img')
        write_livecell_sized(
            Path(ann_file),
            Path(images),
            max(round(NUM_IMAGES * args.fraction), 1),
            max(round(NUM_INSTANCES * args.fraction), 1),
            args.seed,
        )
    elif not Path(ann_file).is_file():
        raise MissingDataError(f'the annotation file {ann_file} is not there')
    size = Path(ann_file).stat().st_size / MIB
    print(f'{ann_file}: {size:.1f} MiB')
    common = (ann_file, images, tuple(args.classes))
    cache = folder / 'cache'
    loads = {
        'mmdet': Load(*common),
        'first': Load(*common, str(cache)),
        'cached': Load(*common, str(cache)),
    }
    if args.skip_mmdet:
        del loads['mmdet']
    taken: dict[str, list[Measurement | None]] = {side: [] for side in loads}
    for _ in range(args.repeats):
        for side, load in loads.items():
            if side == 'first':
                shutil.rmtree(cache, ignore_errors=True)
            print(f'loading: {SIDES[side]}', flush=True)
            taken[side].append(measure(load))
    found = {one for all in taken.values() for one in all if one}
    if len({one.digest for one in found}) > 1:
        raise BadDataError(f'{ann_file}: the loaders gave different data')
    on_disk = sum(file.stat().st_size for file in cache.rglob('*.packed'))
    sides: dict[str, dict[str, Any] | None] = {}
    for side, ones in taken.items():
        if None in ones:
            sides[side] = None
            continue
        sides[side] = ones[0].as_dict() | {
            figure: median(getattr(one, figure) for one in ones)
            for figure in FIGURES
        }
    return dict(json_mib=size, cache_mib=on_disk / MIB, sides=sides)


def table(figures: dict[str, Any]) -> str:
    """Write the figures as a Markdown table.

    Args:
        figures (dict): Of :func:`measure_sides`.

    Returns:
        str: The table.
    """
    lines = [
        '| loader | time | peak memory | kept memory | an image |',
        '|---|---|---|---|---|',
    ]
    base = figures['sides'].get('mmdet')
    for side, one in figures['sides'].items():
        if one is None:
            lines.append(f'| {SIDES[side]} | killed: out of memory? | | | |')
            continue
        cells = []
        for figure, unit in zip(FIGURES, ('s', 'MiB', 'MiB', 'ms')):
            digits = {'s': 1, 'MiB': 0, 'ms': 2}[unit]
            cell = f'{one[figure]:,.{digits}f} {unit}'
            if base and side != 'mmdet':
                cell += f' ({one[figure] / base[figure]:.2f} x)'
            cells.append(cell)
        lines.append(f'| {SIDES[side]} | {" | ".join(cells)} |')
    return '\n'.join(lines)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, print and write.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        dict[str, Any]: The figures.
    """
    args = parse_args(argv)
    if args.folder:
        make_folder(Path(args.folder))
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        figures = measure_sides(args, Path(folder))
    imports = [one['imports'] for one in figures['sides'].values() if one]
    print(table(figures))
    if imports:
        print(
            f'Memory holds {max(imports):,.0f} MiB of imported libraries '
            'before anything is loaded. The entries of all sides are equal. '
            f'The cache takes {figures["cache_mib"]:,.1f} MiB of disk, the '
            f'json {figures["json_mib"]:,.1f} MiB.'
        )
    if args.out:
        write_atomically(
            Path(args.out), (json.dumps(figures, indent=1) + '\n').encode()
        )
        print(f'Figures: {args.out}')
    return figures


if __name__ == '__main__':
    main(sys.argv[1:])
