"""Make images to pre-train on of whatever a microscope wrote.

Reads PNG, JPEG, BMP and TIFF (8, 12, 16 bits, floats; OME, ImageJ, tiled,
compressed, pyramids at full resolution) and writes one folder of PNG files a
source, which ``cupre_mm.CellImages`` takes as it is. Nothing is lost
silently: ``OUT/preparation_report.json`` has an entry for every file.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from cupre_mm.utils.cell_preparation.corpus import prepare_corpus
from cupre_mm.utils.cell_preparation.preparation_options import (
    NONE,
    PER_IMAGE,
    PER_STACK,
    PERCENTILE,
    RANGE,
    PreparationOptions,
)
from cupre_mm.utils.cell_preparation.preparation_report import COUNTS, REPORT
from cupre_mm.utils.cell_preparation.raw_sources import parse_raw_sources
from cupre_mm.utils.errors import UserError
from cupre_mm.utils.plane_selection import (
    MIDDLE,
    PROJECTIONS,
    SPLIT,
    PlaneSelection,
)

# Copies of 248 cell images differed in at most 38 of 256 bits, different
# images in 62 and more: see cupre_mm/utils/leak_check.py.
NEAR_BITS = 38
_SHOWN = 5


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description='Make images to pre-train on of whatever a microscope '
        'wrote: one folder of PNG files a source, and a report of what '
        'became of every file. A run that was cut off goes on where it was; '
        'a changed option makes everything anew, a changed file only its '
        'own images. Other sources that earlier runs wrote to OUT stay.'
    )
    parser.add_argument(
        'sources',
        metavar='SRC',
        nargs='+',
        help='A folder, a glob pattern in quotes, a .txt file with one image '
        'path a line, an image or a zip. NAME=SRC gives the source another '
        'name than its own.',
    )
    parser.add_argument('out', metavar='OUT', help='The folder to write.')
    parser.add_argument(
        '--exclude',
        metavar='GLOB',
        action='append',
        default=[],
        help='Files to leave out, such as "*_masks*": label images must not '
        'be trained on as photographs. Compared with the file name, or with '
        'the path within the source where the pattern has a slash. Can be '
        'given more than once.',
    )
    _add_stack_arguments(parser.add_argument_group('stacks and channels'))
    _add_intensity_arguments(parser.add_argument_group('intensities'))
    _add_size_arguments(parser.add_argument_group('very large images'))
    parser.add_argument(
        '--near-duplicates',
        metavar='BITS',
        nargs='?',
        type=int,
        const=NEAR_BITS,
        help='Drop near duplicates as well: images whose perceptual hashes '
        f'differ in at most BITS of 256, {NEAR_BITS} where no number '
        'follows. Exact duplicates are always dropped.',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=min(os.cpu_count() or 1, 8),
        help='The number of processes. Defaults to the CPUs, at most 8.',
    )
    parser.add_argument(
        '--allow-bad',
        action='store_true',
        help='Exit with 0 although files cannot be used; they are listed in '
        'any case, and all others are done.',
    )
    return parser.parse_args(argv)


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
            default=SPLIT,
            help=f'What becomes of {meaning}: {ways}. Defaults to {SPLIT}: '
            'an image each.',
        )
    channels = group.add_mutually_exclusive_group()
    channels.add_argument(
        '--channel',
        type=_number_or_word,
        default=SPLIT,
        help=f'What becomes of channels: {SPLIT} or a number from 0. '
        f'Defaults to {SPLIT}: a gray image each. Colour photographs stay '
        'in colour.',
    )
    channels.add_argument(
        '--merge-channels',
        metavar='R,G[,B]',
        type=_numbers,
        help='Two or three channels that become red, green and blue, each '
        'normalised for itself.',
    )
    group.add_argument(
        '--series',
        type=_number_or_word,
        default=0,
        help='Which image series of a file that holds several of different '
        f'shape: a number from 0, or {SPLIT} for all. Defaults to 0; files '
        'with more are listed.',
    )


def _add_intensity_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--normalize',
        choices=(PERCENTILE, NONE),
        default=PERCENTILE,
        help='Stretch each image between two of its percentiles as '
        'cupre_mm.PercentileNormalize does, or keep the values. Defaults to '
        f'{PERCENTILE}.',
    )
    group.add_argument(
        '--percentiles',
        metavar=('LOW', 'HIGH'),
        type=float,
        nargs=2,
        default=(1.0, 99.8),
        help='The percentiles. Defaults to 1 99.8.',
    )
    group.add_argument(
        '--percentiles-of',
        choices=(PER_IMAGE, PER_STACK),
        default=PER_IMAGE,
        help='Take the percentiles of each image for itself, as training '
        'does again, or of all planes of a channel of a file together. Tiles '
        f'have those of their whole image. Defaults to {PER_IMAGE}.',
    )
    group.add_argument(
        '--range',
        metavar=('LOW', 'HIGH'),
        type=float,
        nargs=2,
        help='Stretch all images between these two values instead.',
    )
    group.add_argument(
        '--bits',
        type=int,
        choices=(8, 16),
        default=8,
        help='Bits a channel of the written images. Defaults to 8.',
    )


def _add_size_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--tile-size',
        metavar='PIXELS',
        type=int,
        default=1024,
        help='Side of a tile; 0 never tiles. Memory is bounded by a row of '
        'tiles for TIFFs of many strips or tiles; all other files are '
        'decoded whole. Defaults to 1024.',
    )
    group.add_argument(
        '--tile-above',
        metavar='PIXELS',
        type=int,
        default=4096,
        help='Images with a longer side are tiled. Defaults to 4096.',
    )
    group.add_argument(
        '--tile-overlap',
        metavar='PIXELS',
        type=int,
        default=0,
        help='Pixels that neighbouring tiles share at least. Defaults to 0.',
    )


def options_from(args: argparse.Namespace) -> PreparationOptions:
    """Put the command line's choices together.

    Args:
        args (argparse.Namespace): Of :func:`parse_args`.

    Returns:
        PreparationOptions: What to make of a file.

    Raises:
        BadConfigError: If they make no sense.
    """
    channel = args.merge_channels or args.channel
    return PreparationOptions(
        selection=PlaneSelection(args.t, args.z, args.page, channel),
        series=args.series,
        normalize=RANGE if args.range else args.normalize,
        percentiles=tuple(args.percentiles),
        percentiles_of=args.percentiles_of,
        value_range=tuple(args.range) if args.range else None,
        bits=args.bits,
        tile_size=args.tile_size,
        tile_above=args.tile_above,
        tile_overlap=args.tile_overlap,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Prepare and say what was written.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        int: Exit code: 0; 1 if files could not be used, all others being
        done; 2 for input that the user can mend; 130 after Ctrl-C.
    """
    args = parse_args(argv)
    start = time.monotonic()
    try:
        result = prepare_corpus(
            parse_raw_sources(args.sources),
            args.out,
            options_from(args),
            args.exclude,
            args.near_duplicates,
            args.workers,
        )
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            'interrupted; the same command goes on from here', file=sys.stderr
        )
        return 130
    sections = result.sections
    for name, section in sections.items():
        _print_section(name, section)
        if result.removed[name]:
            print(
                f'{result.removed[name]:>8} images of an earlier run removed: '
                'no file or option stands for them any more'
            )
    for pattern in result.unmatched:
        print(f'warning: --exclude {pattern!r} leaves out no file')
    images = sum(s['counts']['images'] for s in sections.values())
    bad = sum(s['counts']['unreadable'] for s in sections.values())
    print(
        f'{args.out}: {images} images of {len(sections)} source(s) in '
        f'{time.monotonic() - start:.0f} s; {REPORT} has every file'
    )
    if bad and not args.allow_bad:
        print(
            f'error: {bad} file(s) cannot be used; all others are done. '
            'Replace or --exclude them and run the same command again, or '
            'add --allow-bad to go without them',
            file=sys.stderr,
        )
        return 1
    return 0


def _print_section(name: str, section: dict[str, Any]) -> None:
    print(f'\n{name}')
    for key, meaning in COUNTS.items():
        count = section['counts'][key]
        if count or key in ('files', 'images'):
            print(f'{count:>8} {meaning}')
        for line in _examples(section, key)[:_SHOWN]:
            print(f'{"":>11}{line}')
        more = len(_examples(section, key)) - _SHOWN
        if more > 0:
            print(f'{"":>11}and {more} more')


def _examples(section: dict[str, Any], key: str) -> list[str]:
    files = section['files'].items()
    if key == 'unreadable':
        return [entry['error'] for _, entry in files if entry['error']]
    if key == 'label_like':
        return [name for name, entry in files if entry['label_like']]
    if key == 'noted':
        return [
            f'{name}: {note}'
            for name, entry in files
            for note in entry['notes']
        ]
    if key in ('duplicates', 'near_duplicates'):
        return [
            f'{dropped["image"]} is {dropped["of"]}'
            + (f' ({dropped["distance"]} bits)' if near else '')
            for _, entry in files
            for dropped in entry['dropped']
            for near in [dropped['distance'] is not None]
            if near == (key == 'near_duplicates')
        ]
    return []


def _number_or_word(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(','))


if __name__ == '__main__':
    sys.exit(main())
