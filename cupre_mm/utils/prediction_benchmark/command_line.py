"""The command line of the benchmark of prediction."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

OURS, MMDET, SAHI = 'CellSegmenter', 'DetInferencer', 'SAHI'
CONFIG = 'configs/mini/finetune_coco_mini.py'
CHECKPOINT = 'work_dirs/mini/finetune_coco_mini/iter_200.pth'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Measure images a second, peak memory and AP of '
        'prediction on labelled images and on a mosaic of them, by '
        "CellSegmenter, mmdet's DetInferencer and SAHI (mosaic)."
    )
    parser.add_argument(
        'config',
        nargs='?',
        default=CONFIG,
        help=f'Config of the detector. Defaults to {CONFIG}.',
    )
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help=f'Its weights. Defaults to {CHECKPOINT}, of `make mini`, where '
        'that is there; else random weights find 100 things in each of the '
        "demo's generated images, which tells time and memory but no AP.",
    )
    parser.add_argument(
        '--ann',
        help="COCO json of the images. Defaults to the config's test set.",
    )
    parser.add_argument('--images', help='Folder of the images.')
    parser.add_argument(
        '--number',
        type=int,
        default=24,
        help='Images to predict. Defaults to 24.',
    )
    parser.add_argument(
        '--largest',
        type=int,
        default=700,
        help='Longest side of an image that is taken. Defaults to 700.',
    )
    parser.add_argument(
        '--mosaic',
        type=int,
        default=4096,
        help='Side of the mosaic; 0 leaves it out. Defaults to 4096.',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.5,
        help='Least score of a detection, for all of them: stock predictors '
        'get it as the test setting of the model. Defaults to 0.5.',
    )
    parser.add_argument(
        '--min-visible',
        type=float,
        default=0.5,
        help='Least share of a cell that better ones must leave, of '
        'CellSegmenter; stock predictors let cells overlap. Defaults to 0.5.',
    )
    parser.add_argument(
        '--tile',
        type=int,
        default=1024,
        help='Side of a tile, of CellSegmenter at most. Defaults to 1024.',
    )
    parser.add_argument(
        '--overlap',
        type=int,
        default=192,
        help='What tiles share at least, of all of them. Defaults to 192.',
    )
    parser.add_argument(
        '--repeats',
        type=int,
        default=3,
        help='Rounds over the images, in turns. Defaults to 3.',
    )
    parser.add_argument(
        '--mosaic-repeats', type=int, default=1, help='Defaults to 1.'
    )
    parser.add_argument(
        '--no-sahi', action='store_true', help='Leave SAHI out.'
    )
    parser.add_argument(
        '--bfloat16',
        action='store_true',
        help='Let CellSegmenter convolve in bfloat16.',
    )
    parser.add_argument('--device', default='cpu', help='Defaults to cpu.')
    parser.add_argument(
        '--threads',
        type=int,
        default=1,
        help='Threads of each process. Defaults to 1.',
    )
    parser.add_argument(
        '--memory-limit',
        type=float,
        default=12,
        help='GiB at which a predictor is stopped, which counts as out of '
        'memory. Defaults to 12.',
    )
    parser.add_argument('--out', help='JSON file to write the figures to.')
    parser.add_argument('--serve', help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    args.generated = args.checkpoint is None and not (
        args.config == CONFIG and Path(CHECKPOINT).is_file()
    )
    if args.checkpoint is None:
        args.checkpoint = CHECKPOINT
    if min(args.number, args.repeats, args.mosaic_repeats, args.threads) < 1:
        parser.error('--number, --repeats and --threads must be positive')
    return args
