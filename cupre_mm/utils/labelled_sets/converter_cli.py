"""What the command lines of the converters of labelled sets share."""

import argparse
import os
import sys
import time
from collections.abc import Callable

from cupre_mm.utils.errors import UserError
from cupre_mm.utils.labelled_sets.conversion import REPORT, Converted
from cupre_mm.utils.labelled_sets.object_rules import (
    BORDER,
    COMPONENTS,
    ObjectRules,
)
from cupre_mm.utils.labelled_sets.paired_files import PairNames
from cupre_mm.utils.labelled_sets.paired_items import UNLABELLED

_SHOWN = 3


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add SRC, OUT, ``--workers`` and ``--allow-bad``.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
    """
    parser.add_argument(
        'src', metavar='SRC', help='The folder or zip of the set.'
    )
    parser.add_argument('out', metavar='OUT', help='The folder to write.')
    parser.add_argument(
        '--workers',
        type=int,
        default=min(os.cpu_count() or 1, 8),
        help='The number of processes. Defaults to the CPUs, at most 8.',
    )
    parser.add_argument(
        '--allow-bad',
        action='store_true',
        help='Leave out what cannot be used, counted and listed, instead of '
        'stopping.',
    )


def add_rule_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of :class:`ObjectRules`.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
    """
    group = parser.add_argument_group(
        'what becomes of odd objects', 'Each case is counted in the report.'
    )
    group.add_argument(
        '--components',
        choices=COMPONENTS,
        default='keep',
        help='Keep an object of several components whole, keep its largest '
        'component, or split it into one object a component. Defaults to '
        'keep.',
    )
    group.add_argument(
        '--min-area',
        type=int,
        default=1,
        metavar='PIXELS',
        help='Drop objects of fewer pixels. Defaults to 1: all are kept.',
    )
    group.add_argument(
        '--border',
        choices=BORDER,
        default='keep',
        help='Keep or drop objects cut by the border of the image. Defaults '
        'to keep.',
    )
    group.add_argument(
        '--fill-holes',
        action='store_true',
        help='Fill the holes of objects, except where another object lies in '
        'them.',
    )


def add_class_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--class-name``.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
    """
    parser.add_argument(
        '--class-name',
        default='cell',
        metavar='NAME',
        help='The name of the one class that all objects are of. Defaults to '
        'cell.',
    )


def add_unlabelled_option(
    parser: argparse.ArgumentParser, default: str | None, said: str = ''
) -> None:
    """Add ``--unlabelled``.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
        default (str, optional): Its default.
        said (str): How the help puts it. Defaults to '': as it is.
    """
    parser.add_argument(
        '--unlabelled',
        choices=UNLABELLED,
        default=default,
        help='Leave out images that have no label file, keep them as images '
        f'without objects, or stop. Defaults to {said or default}.',
    )


def rules_of(args: argparse.Namespace) -> ObjectRules:
    """The rules that :func:`add_rule_options` read.

    Args:
        args (argparse.Namespace): The parsed options.

    Returns:
        ObjectRules: The rules.
    """
    return ObjectRules(
        args.components, args.min_area, args.border, args.fill_holes
    )


def add_name_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of :class:`PairNames`.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
    """
    names = PairNames()
    group = parser.add_argument_group(
        'how the files are named',
        'Each option takes several values, and stands after SRC and OUT.',
    )
    for option, values, what in (
        ('--images-folder', names.image_folders, 'folders of images'),
        ('--masks-folder', names.mask_folders, 'folders of masks or labels'),
        (
            '--image-suffix',
            names.image_suffixes,
            'ends of image names, without extension',
        ),
        (
            '--mask-suffix',
            names.mask_suffixes,
            'ends of mask names, without extension',
        ),
    ):
        group.add_argument(
            option,
            nargs='*',
            default=values,
            metavar='NAME',
            help=f'The {what}. Defaults to {" ".join(values)}.',
        )


def names_of(args: argparse.Namespace) -> PairNames:
    """The names that :func:`add_name_options` read.

    Args:
        args (argparse.Namespace): The parsed options.

    Returns:
        PairNames: The names.
    """
    return PairNames(
        tuple(args.image_suffix),
        tuple(args.mask_suffix),
        tuple(args.images_folder),
        tuple(args.masks_folder),
    )


def run_and_print(
    convert: Callable[[], Converted], out: str, objects: str = 'objects'
) -> int:
    """Run a conversion and say what was met and written.

    Args:
        convert (Callable[[], Converted]): The conversion.
        out (str): The folder it writes.
        objects (str): What its objects are called. Defaults to
            ``'objects'``.

    Returns:
        int: Exit code: 0, 2 for input that the user can mend, 130 after
        Ctrl-C.
    """
    start = time.monotonic()
    try:
        result = convert()
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            'interrupted; the same command goes on from here', file=sys.stderr
        )
        return 130
    for kind, places in result.cases.items():
        shown = ', '.join(places[:_SHOWN])
        more = ', ...' if len(places) > _SHOWN else ''
        print(
            f'{len(places):>6} {result.meanings[kind]}'
            f'{": " + shown + more if places else ""}'
        )
    warnings = list(result.warnings)
    if not result.annotations:
        warnings.append(f'no {objects} at all were found')
    for warning in warnings:
        print(f'warning: {warning}', file=sys.stderr)
    print(
        f'wrote {result.images} images and {result.annotations} {objects} '
        f'to {out} ({result.converted} images converted in this run, '
        f'{time.monotonic() - start:.0f} s); everything listed above is in '
        f'annotations/{REPORT}'
    )
    return 0
