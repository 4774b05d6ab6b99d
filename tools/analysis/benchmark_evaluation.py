"""Measure what evaluating a test set of LIVECell's size takes.

Generated predictions go through ``cupre_mm.CellMetric`` in batches, as in a
test run, and a sample of the same images through ``pycocotools`` as well.
docs/benchmarks.md has figures.

Example:
    python tools/analysis/benchmark_evaluation.py --fraction 0.02
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.evaluation_benchmark.dense_cells import (
    MOST_INSTANCES,
    NUM_IMAGES,
    NUM_INSTANCES,
    DenseSet,
    write_ground_truth,
)
from cupre_mm.utils.evaluation_benchmark.measured_evaluation import (
    METRIC_NAMES,
    Evaluation,
    Measurement,
    measure,
)

KILLED = 'killed: out of memory?'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Measure time and peak memory of evaluating boxes and '
        "masks on a generated test set of LIVECell's size, and the time of "
        'pycocotools on a sample of its images. The whole size takes 300 MB '
        'of disk.'
    )
    parser.add_argument(
        '--fraction',
        type=float,
        default=1.0,
        help=f'Share of the {NUM_IMAGES:,} images and {NUM_INSTANCES:,} '
        'instances that is generated. Defaults to 1.',
    )
    parser.add_argument(
        '--most',
        type=int,
        default=MOST_INSTANCES,
        help='Instances of the fullest image. Defaults to '
        f'{MOST_INSTANCES:,}.',
    )
    parser.add_argument(
        '--sample',
        type=int,
        default=10,
        help='Images that pycocotools evaluates too, spread evenly over the '
        'images ordered by their number of instances; 0 leaves it out. '
        'Defaults to 10.',
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        default=4,
        help='Images handed to the metric at a time. Defaults to 4.',
    )
    parser.add_argument(
        '--no-cell-scores',
        action='store_true',
        help="Leave out the cell field's own scores: AP and AR alone.",
    )
    parser.add_argument(
        '--folder',
        help='Folder for the generated files, which are deleted at the end. '
        'Defaults to a temporary one.',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='Of the generator. Defaults to 0.'
    )
    parser.add_argument('--out', help='JSON file to write the figures to.')
    args = parser.parse_args(argv)
    if not 0 < args.fraction <= 1:
        parser.error('--fraction must be above 0 and at most 1')
    if args.sample < 0 or args.batch_size < 1:
        parser.error('--sample and --batch-size must not be negative or 0')
    mean = NUM_INSTANCES / NUM_IMAGES
    if not mean < args.most <= MOST_INSTANCES:
        parser.error(
            f'--most must lie between {mean:.0f}, the mean, and '
            f'{MOST_INSTANCES}'
        )
    return args


def sample_images(counts: np.ndarray, size: int) -> tuple[int, ...]:
    """Pick images that are spread evenly over the densities.

    Args:
        counts (np.ndarray): Instances of each image, (N,).
        size (int): How many to pick, at most all.

    Returns:
        tuple[int]: Indices of the images, the sparsest first.
    """
    order = np.argsort(counts, kind='stable')
    size = min(size, len(order))
    places = (np.arange(size) + 0.5) * len(order) / max(size, 1)
    return tuple(order[places.astype(int)].tolist())


def measure_all(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Evaluate the whole set, then the sample by both evaluators.

    Args:
        args (argparse.Namespace): The command line.
        folder (Path): Where the ground truth may be written.

    Returns:
        dict[str, Any]: The figures; None in place of those of a process that
        was killed.
    """
    generated = DenseSet(
        max(round(NUM_IMAGES * args.fraction), 1),
        max(round(NUM_INSTANCES * args.fraction), 1),
        args.most,
        args.seed,
    )
    counts = generated.counts()
    whole = str(folder / 'whole.json')
    number = write_ground_truth(Path(whole), generated)
    print(
        f'{len(counts):,} images, {number:,} instances, at most '
        f'{counts.max():,} an image; evaluating the whole set',
        flush=True,
    )
    figures: dict[str, Any] = {
        'num_images': len(counts),
        'num_instances': number,
        'most_instances': int(counts.max()),
        'cell_scores': not args.no_cell_scores,
        'whole': _figures(
            measure(
                Evaluation(
                    whole,
                    generated,
                    tuple(range(len(counts))),
                    cell_scores=not args.no_cell_scores,
                    batch_size=args.batch_size,
                )
            )
        ),
    }
    if args.sample:
        images = sample_images(counts, args.sample)
        part = str(folder / 'sample.json')
        figures['sample'] = {
            'num_images': len(images),
            'num_instances': write_ground_truth(Path(part), generated, images),
        }
        for evaluator in ('CellMetric', 'pycocotools'):
            print(f'evaluating the sample by {evaluator}', flush=True)
            figures['sample'][evaluator] = _figures(
                measure(Evaluation(part, generated, images, evaluator))
            )
    return figures


def report(figures: dict[str, Any]) -> str:
    """Write the figures as Markdown.

    Args:
        figures (dict): Of :func:`measure_all`.

    Returns:
        str: The tables and how to read them.
    """
    parts = [_whole_table(figures)]
    if 'sample' in figures:
        parts.append(_sample_table(figures['sample']))
    return '\n\n'.join(parts)


def _figures(measured: Measurement | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    return asdict(measured) | {'total': measured.total}


def _whole_table(figures: dict[str, Any]) -> str:
    one = figures['whole']
    if one is None:
        return f'CellMetric on the whole set: {KILLED}'
    kind = 'boxes and masks' + (
        ' and cell scores' if figures['cell_scores'] else ''
    )
    return '\n'.join(
        [
            f'| CellMetric, {kind} | |',
            '|---|---|',
            f'| ground truth read | {one["load"]:.1f} s |',
            f'| predictions taken in | {one["process"]:.1f} s |',
            f'| scores computed | {one["score"]:.1f} s |',
            f'| **all** | **{one["total"]:.1f} s** |',
            f'| peak memory | **{one["peak"]:,.0f} MiB** |',
            f'| of it imported libraries | {one["imports"]:,.0f} MiB |',
            '',
            f'{one["num_predictions"]:,} predictions; the '
            f'{one["generate"]:.1f} s in which they were generated are not '
            'counted.',
        ]
    )


def _sample_table(sample: dict[str, Any]) -> str:
    ours, theirs = sample['CellMetric'], sample['pycocotools']
    if ours is None or theirs is None:
        return f'One of the evaluators on the sample: {KILLED}'
    times = [
        (one['process'] + one['score']) / sample['num_images']
        for one in (ours, theirs)
    ]
    lines = [
        '| evaluator | time an image | AP_bbox | AP_segm |',
        '|---|---|---|---|',
    ]
    rows = (
        ('CellMetric', times[0], ours, 'mAP'),
        ('pycocotools, as it prints it', times[1], theirs, 'headline'),
        ('pycocotools, its arrays at 3,000', times[1], theirs, 'mAP'),
    )
    for name, seconds, one, item in rows:
        values = [one['scores'][f'{m}_{item}'] for m in METRIC_NAMES]
        cells = ' | '.join(f'{100 * value:.2f}' for value in values)
        lines.append(f'| {name} | {seconds:.3f} s | {cells} |')
    apart = max(
        abs(ours['scores'][f'{m}_mAP'] - theirs['scores'][f'{m}_mAP'])
        for m in METRIC_NAMES
    )
    lines += [
        '',
        f'{sample["num_images"]} images with {sample["num_instances"]:,} '
        'instances; boxes and masks, without reading the ground truth: '
        f'CellMetric takes 1/{times[1] / times[0]:.0f} of the time. Its AP '
        f"and that of pycocotools' arrays differ by {apart:.1e} at most.",
    ]
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
        figures = measure_all(args, Path(folder))
    print(f'\n{report(figures)}')
    if args.out:
        write_json(Path(args.out), figures, indent=1)
        print(f'\nFigures: {args.out}')
    return figures


if __name__ == '__main__':
    main()
