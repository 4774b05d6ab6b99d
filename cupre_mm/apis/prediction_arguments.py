"""The command line of a run over folders."""

import argparse
import os
from collections.abc import Sequence

from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.config_files import OptionsAction
from cupre_mm.utils.no_exec import add_no_exec_argument
from cupre_mm.utils.plane_selection import (
    MIDDLE,
    PROJECTIONS,
    SPLIT,
    PlaneSelection,
)

DEFAULT_OUTPUTS = ('label', 'csv', 'overlay')
_DEFAULTS = SegmentationOptions()


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description='Segment the cells of images. Results go to one folder a '
        'format, such as OUT/label/, with the names and sub-folders of the '
        'images. A run that was cut off goes on where it was; what is done '
        'is left alone unless the image, the settings or the checkpoint have '
        'changed.',
        epilog='Exit code: 0, 1 if some images could not be segmented (all '
        'others are), 2 for a mistake that the message tells how to mend, '
        '130 after Ctrl-C.',
    )
    parser.add_argument('config', help='Config file of the detector.')
    parser.add_argument('checkpoint', help='Its trained weights.')
    parser.add_argument(
        'inputs',
        metavar='FOLDER',
        nargs='+',
        help='A folder (with its sub-folders; hidden files are skipped), a '
        'glob pattern in quotes, a .txt file with one image path a line, or '
        'an image.',
    )
    parser.add_argument('out', metavar='OUT', help='The folder to write.')
    parser.add_argument(
        '--outputs',
        nargs='+',
        default=list(DEFAULT_OUTPUTS),
        metavar='FORMAT',
        help='What to write: label (TIFF label image), csv (measurements of '
        'each cell), overlay (PNG to look at), coco (COCO json), rois '
        '(ImageJ ROI zip), geojson (QuPath). Defaults to '
        f'{" ".join(DEFAULT_OUTPUTS)}.',
    )
    parser.add_argument(
        '--compress',
        action='store_true',
        help='Compress label images without loss (zlib, called deflate or '
        'ZIP): a tenth of the size or less. ImageJ and Fiji open them, as '
        'napari, QuPath, Python and Cellpose do.',
    )
    parser.add_argument(
        '--exclude',
        metavar='GLOB',
        action='append',
        default=[],
        help='Files to leave out, such as "*_masks*"; compared with the file '
        'name, or with the path within the folder where the pattern has a '
        'slash. Can be given more than once.',
    )
    _add_cell_arguments(parser.add_argument_group('cells'))
    _add_stack_arguments(parser.add_argument_group('stacks and channels'))
    _add_run_arguments(parser.add_argument_group('the run'))
    return parser.parse_args(argv)


def _add_cell_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--score-thr',
        type=float,
        default=_DEFAULTS.score_thr,
        help='The least score of a cell, from 0 to 1. Defaults to '
        f'{_DEFAULTS.score_thr}.',
    )
    group.add_argument(
        '--min-area',
        metavar='PIXELS',
        type=int,
        default=_DEFAULTS.min_area,
        help='Leave out smaller cells. Defaults to '
        f'{_DEFAULTS.min_area} pixel.',
    )
    group.add_argument(
        '--max-area',
        metavar='PIXELS',
        type=int,
        help='Leave out larger cells. Defaults to no limit.',
    )
    group.add_argument(
        '--exclude-border',
        action='store_true',
        help="Leave out cells that touch the image's border.",
    )
    size = group.add_mutually_exclusive_group()
    size.add_argument(
        '--scale',
        type=float,
        help='Magnify images by this factor before they are segmented. '
        'Defaults to what the config does.',
    )
    size.add_argument(
        '--diameter',
        metavar='PIXELS',
        type=float,
        help='The typical diameter of the cells: images are scaled to show '
        'them as large as the cells of training, which cell_diameter of the '
        'config tells.',
    )
    group.add_argument(
        '--tile',
        metavar='PIXELS',
        type=int,
        default=_DEFAULTS.tile,
        help='Larger images are cut into tiles of this side, after scaling. '
        f'Defaults to {_DEFAULTS.tile}.',
    )
    group.add_argument(
        '--overlap',
        metavar='PIXELS',
        type=int,
        default=_DEFAULTS.overlap,
        help='What neighbouring tiles share: more than the largest cell '
        f'measures. Defaults to {_DEFAULTS.overlap}.',
    )
    group.add_argument(
        '--fixed-limits',
        action='store_true',
        help='Give a tile no more proposals than a crop of training. Large '
        'images are done several times sooner, and faint cells are lost.',
    )


def _add_stack_arguments(group: argparse._ArgumentGroup) -> None:
    ways = f'{SPLIT}, {", ".join(PROJECTIONS)}, {MIDDLE} or a number from 0'
    for flag, meaning in (
        ('--z', 'planes in depth'),
        ('--t', 'points in time'),
        ('--page', 'pages of a TIFF that does not say what they are'),
    ):
        group.add_argument(
            flag,
            type=_number_or_word,
            help=f'What becomes of {meaning}: {ways}; {SPLIT} gives results '
            'for each. A file that has several needs it.',
        )
    channels = group.add_mutually_exclusive_group()
    channels.add_argument(
        '--channel',
        type=_number_or_word,
        help=f'Which channel shows the cells: a number from 0, or {SPLIT}. A '
        'file that has several needs it; colour photographs do not.',
    )
    channels.add_argument(
        '--merge-channels',
        metavar='R,G[,B]',
        type=_numbers,
        help='Two or three channels that become red, green and blue.',
    )
    group.add_argument(
        '--series',
        type=_series,
        default=0,
        help='Which image series of a file that holds several of different '
        f'shape: a number from 0, or {SPLIT} for all. Defaults to 0.',
    )


def _add_run_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--device',
        help='Such as cpu or cuda:0. Defaults to a GPU where there is one.',
    )
    group.add_argument(
        '--batch-size',
        type=int,
        default=_DEFAULTS.batch_size,
        help='How many images of one size, or tiles of one image, go through '
        'the network at once: faster on a GPU, and more memory. Defaults to '
        f'{_DEFAULTS.batch_size}.',
    )
    group.add_argument(
        '--workers',
        type=_count,
        default=min(2, (os.cpu_count() or 1) - 1),
        help='Processes that decode images while the network runs; 0 decodes '
        'in between. Defaults to 2, or less on a machine of less than three '
        'CPUs.',
    )
    group.add_argument(
        '--force',
        action='store_true',
        help='Do everything anew, also what is done.',
    )
    group.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        help='Values to change in the config, each as key=value; a nested '
        'key is written with dots, a list as key="[a,b]" without spaces.',
    )
    add_no_exec_argument(group)


def options_from(args: argparse.Namespace) -> SegmentationOptions:
    """Put together what is wanted of a segmentation.

    Args:
        args (argparse.Namespace): Of :func:`parse_arguments`.

    Returns:
        SegmentationOptions: The options.

    Raises:
        BadConfigError: If they make no sense.
    """
    return SegmentationOptions(
        score_thr=args.score_thr,
        scale=args.scale,
        diameter=args.diameter,
        tile=args.tile,
        overlap=args.overlap,
        batch_size=args.batch_size,
        min_area=args.min_area,
        max_area=args.max_area,
        exclude_border=args.exclude_border,
        scale_limits=not args.fixed_limits,
    )


def selection_from(args: argparse.Namespace) -> PlaneSelection:
    """Put together what becomes of stacks.

    Args:
        args (argparse.Namespace): Of :func:`parse_arguments`.

    Returns:
        PlaneSelection: The selection.

    Raises:
        BadConfigError: If it makes no sense.
    """
    channel = args.merge_channels or args.channel
    return PlaneSelection(args.t, args.z, args.page, channel)


def _number_or_word(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _series(text: str) -> int | str:
    if text != SPLIT and not text.isdecimal():
        raise argparse.ArgumentTypeError(
            f'{text!r} is neither a number from 0 nor {SPLIT}'
        )
    return _number_or_word(text)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(','))


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is no number from 0')
    return int(text)
