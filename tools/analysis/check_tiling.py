"""Measure how far an image in tiles has the cells of the image as a whole.

Example:
    python tools/analysis/check_tiling.py CONFIG CHECKPOINT data/bbbc038/images
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.image_paths import find_images
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS, read_image
from cupre_mm.utils.no_exec import add_no_exec_argument

_LEAST_MATCHED = 0.995
_LEAST_IOU = 0.98


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Segment a mosaic of images as a whole and in tiles, and '
        'match the cells. The exit code is 1 where less than '
        f'{_LEAST_MATCHED:.1%} of either have a partner of IoU 0.5, or the '
        f'mean IoU of the pairs is below {_LEAST_IOU}. How many proposals an '
        'image gives at most is a matter of its size: both ways take all of '
        'an objectness from --least-objectness on instead, or as many an '
        'area as --limit says.'
    )
    parser.add_argument('config', help='Config of the detector.')
    parser.add_argument('checkpoint', help='Its weights.')
    parser.add_argument(
        'images', nargs='+', help='Images, folders or quoted patterns.'
    )
    parser.add_argument(
        '--side',
        type=int,
        default=1024,
        help='Height and width of the mosaic in pixels. Defaults to 1024.',
    )
    parser.add_argument(
        '--tile',
        type=int,
        default=640,
        help="Side of a tile in pixels of the network's input. Defaults to "
        '640.',
    )
    parser.add_argument(
        '--overlap',
        type=int,
        default=192,
        help='What neighbouring tiles share at least. Defaults to 192.',
    )
    parser.add_argument(
        '--scale',
        type=float,
        help="Pixels of the network's input to a pixel of the mosaic. "
        'Defaults to what the config does.',
    )
    rule = parser.add_mutually_exclusive_group()
    rule.add_argument(
        '--least-objectness',
        type=float,
        default=0.1,
        metavar='P',
        help='Proposals below it count in neither way. Defaults to 0.1.',
    )
    rule.add_argument(
        '--limit',
        type=int,
        help='Rather keep the best N proposals and detections of a tile, and '
        'of the whole N times its area in tiles.',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.5,
        help='Least score of a cell. Defaults to 0.5.',
    )
    parser.add_argument(
        '--device', help='Torch device. Defaults to a GPU if there is one.'
    )
    parser.add_argument('--out', help='Json file to write the figures to.')
    add_no_exec_argument(parser)
    args = parser.parse_args(argv)
    if args.side <= args.tile:
        parser.error(
            f'--side {args.side} is not larger than --tile {args.tile}: '
            'there would be one tile'
        )
    return args


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> int:
    """Measure the agreement and print it.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        int: 0 if tiling keeps what it promises.
    """
    args = parse_args(argv)
    # The network's libraries take seconds: a mistake is told before.
    from cupre_mm.apis import CellSegmenter, SegmentationOptions
    from cupre_mm.apis.detection_limits import all_proposals, changed_limits
    from cupre_mm.apis.tiling_check import compare, make_mosaic

    options = {
        'tiled': SegmentationOptions(
            score_thr=args.score_thr,
            scale=args.scale,
            tile=args.tile,
            overlap=args.overlap,
            scale_limits=False,
        ),
    }
    files = find_images(args.images, '', IMAGE_EXTENSIONS).files
    mosaic, taken = make_mosaic(map(read_image, files), args.side)
    segmenter = CellSegmenter(
        args.config, args.checkpoint, args.device, no_exec=args.no_exec
    )
    factor = segmenter.factor(mosaic.shape[:2], options['tiled'])
    side = int(args.side * factor) + 1
    if side <= args.tile:
        raise BadConfigError(
            f'the config shrinks the mosaic to {side} px, which is one tile '
            f'of {args.tile}: give a larger --side or --scale'
        )
    options['whole'] = SegmentationOptions(
        score_thr=args.score_thr,
        scale=factor,
        tile=side + 2 * args.overlap,
        overlap=args.overlap,
        scale_limits=False,
    )
    found, seconds = {}, {}
    for way, chosen in options.items():
        start = time.perf_counter()
        times = (side / args.tile) ** 2 if way == 'whole' else 1.0
        if args.limit:
            rule = changed_limits(segmenter.model, int(args.limit * times))
        else:
            rule = all_proposals(segmenter.model, args.least_objectness)
        with rule:
            found[way] = segmenter.segment(mosaic, chosen, progress=True)
        seconds[way] = round(time.perf_counter() - start, 1)
    agreement = compare(found['whole'], found['tiled'])
    figures = {
        'images': taken,
        'side': args.side,
        'tile': args.tile,
        'overlap': args.overlap,
        'factor': factor,
        'limit': args.limit,
        'least_objectness': None if args.limit else args.least_objectness,
        'score_thr': args.score_thr,
        'tiles': found['tiled'].num_tiles,
        'cut_by_tiles': found['tiled'].counts['cut_by_tiles'],
        'seconds': seconds,
        **asdict(agreement),
        'whole_matched': agreement.whole_matched,
        'tiled_matched': agreement.tiled_matched,
    }
    print(
        f'mosaic of {taken} images, {args.side} px: '
        f'{agreement.num_whole} cells as a whole, {agreement.num_tiled} in '
        f'{found["tiled"].num_tiles} tiles of {args.tile} px that share '
        f'{args.overlap} px or more\n'
        f'matched: {agreement.whole_matched:.2%} of the whole, '
        f'{agreement.tiled_matched:.2%} of the tiled; mean IoU '
        f'{agreement.mean_iou:.4f}'
    )
    for warning in found['tiled'].warnings:
        print(f'Note: {warning}')
    if args.out is not None:
        write_json(Path(args.out), figures)
        print(f'Figures: {args.out}')
    matched = min(agreement.whole_matched, agreement.tiled_matched)
    return int(matched < _LEAST_MATCHED or agreement.mean_iou < _LEAST_IOU)


if __name__ == '__main__':
    raise SystemExit(main())
