"""Look for images of an evaluation set in a training corpus."""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.image_hashes import HASH_BITS
from cupre_mm.utils.leakage.crop_search import PATCH_SIDE, find_crops
from cupre_mm.utils.leakage.image_collections import find_collections
from cupre_mm.utils.leakage.image_fingerprints import take_fingerprints
from cupre_mm.utils.leakage.leak_check import (
    MAX_DISTANCE,
    MIN_CORRELATION,
    LeakPair,
    find_leaks,
)
from cupre_mm.utils.leakage.pair_sheets import describe, write_pair_sheets
from cupre_mm.utils.no_exec import add_no_exec_argument


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Look for images of an evaluation set in a training '
        'corpus: the same pixels, and the same picture stored otherwise '
        '(re-encoded, another bit depth, exposure, colour or size, turned '
        'by quarters or mirrored). Of a file with several planes the first '
        'one is compared. Not found are pictures with inverted contrast, '
        'and parts of a picture without --crops.',
        epilog='Exit code: 0 when there are no pairs; 1 when there are; 2 '
        'when there are none but a file could not be read (unless '
        '--allow-bad), or on any other error. Each PATH is a folder, a '
        'quoted glob pattern, a .txt file with one image path a line, an '
        'image, a COCO .json, or a config .py or .yaml.',
    )
    parser.add_argument(
        '--corpus',
        nargs='+',
        required=True,
        metavar='PATH',
        help='What is trained on. A config stands for the images of its '
        'train_dataloader; of a pre-training config these are the '
        'unlabelled sources of moco and the labelled images of det.',
    )
    parser.add_argument(
        '--evaluation',
        nargs='+',
        required=True,
        metavar='PATH',
        help='What is tested on. A config stands for the images of its '
        'test_dataloader.',
    )
    parser.add_argument(
        '--image-folder',
        help='Where the images of the given COCO files are. Defaults to '
        'images/ beside the json or up to two folders above it, or the '
        'folder of the json itself.',
    )
    parser.add_argument(
        '--crops',
        action='store_true',
        help='Look also for images that are cut from one another, by '
        f'{PATCH_SIDE} x {PATCH_SIDE} px or more at the same pixel size and '
        'not turned. Fields that overlap are found where the part with the '
        'most contrast of one of them lies in the overlap. Takes less than '
        'a millisecond for every pair of an image of the one and an image '
        'of the other set.',
    )
    parser.add_argument(
        '--max-distance',
        type=int,
        default=MAX_DISTANCE,
        help=f'Most of the {HASH_BITS} bits in which the perceptual hashes '
        f'of a pair may differ. Defaults to {MAX_DISTANCE}.',
    )
    parser.add_argument(
        '--min-correlation',
        type=float,
        default=MIN_CORRELATION,
        help='Least correlation of what two images show, from 0 to 1. '
        f'Defaults to {MIN_CORRELATION}.',
    )
    parser.add_argument(
        '--allow-bad',
        action='store_true',
        help='List unreadable files, but do not let them change the exit '
        'code.',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=min(8, os.cpu_count() or 1),
        help='Processes that read images. Defaults to the number of CPUs, '
        'at most 8.',
    )
    parser.add_argument(
        '--cache',
        type=Path,
        help='File that keeps the hashes of the images of this run: the next '
        'run with it reads only images that are new or changed (by size or '
        'time).',
    )
    parser.add_argument(
        '--out', type=Path, help='Report to write, a json with all pairs.'
    )
    parser.add_argument(
        '--clean-list',
        type=Path,
        metavar='TXT',
        help='List to write of the corpus images that are in no pair, one '
        'absolute path a line; it can be the paths of a source of '
        'cupre_mm.CellImages.',
    )
    parser.add_argument(
        '--pictures',
        type=Path,
        metavar='FOLDER',
        help='Folder for pictures of the pairs side by side.',
    )
    add_no_exec_argument(parser)
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> int:
    """Compare the two sets and say what was found.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        int: The exit code.
    """
    args = parse_args(argv)
    _check(args)
    corpus = _collect('corpus', args.corpus, 'train', args)
    evaluation = _collect('evaluation', args.evaluation, 'test', args)
    images, unreadable = take_fingerprints(
        corpus + evaluation, args.workers, args.cache
    )
    ours = [images[file] for file in corpus if file in images]
    theirs = [images[file] for file in evaluation if file in images]
    pairs = find_leaks(ours, theirs, args.max_distance, args.min_correlation)
    if args.crops:
        known = {(pair.corpus, pair.evaluation) for pair in pairs}
        crops = find_crops(
            [image.path for image in ours],
            [image.path for image in theirs],
            args.workers,
            args.min_correlation,
        )
        pairs += [
            crop
            for crop in crops
            if (crop.corpus, crop.evaluation) not in known
        ]
    for pair in pairs:
        print(f'{describe(pair)}\n  {pair.corpus}\n  {pair.evaluation}')
    for reason in unreadable.values():
        print(f'unreadable: {reason}')
    summary = _summary(pairs, corpus, evaluation, unreadable)
    print(_sentence(summary))
    _write(args, pairs, summary, corpus, unreadable)
    if pairs:
        return 1
    if unreadable and not args.allow_bad:
        raise BadDataError(
            f'{len(unreadable)} file(s) could not be read, so nothing is '
            'known of them: mend them or take them away, or pass --allow-bad'
        )
    return 0


def _check(args: argparse.Namespace) -> None:
    if not 0 <= args.max_distance < HASH_BITS // 2:
        raise BadConfigError(
            f'--max-distance {args.max_distance}: give 0 to '
            f'{HASH_BITS // 2 - 1}; unrelated images differ in about '
            f'{HASH_BITS // 2} bits'
        )
    if not 0 < args.min_correlation <= 1:
        raise BadConfigError(
            f'--min-correlation {args.min_correlation}: give a number above '
            '0, at most 1'
        )


def _collect(
    side: str, paths: Sequence[str], loader: str, args: argparse.Namespace
) -> list[str]:
    found = [
        collection
        for path in paths
        for collection in find_collections(
            path, loader, args.image_folder, args.no_exec
        )
    ]
    files = list(dict.fromkeys(file for each in found for file in each.files))
    print(f'{side}: {len(files)} images')
    for collection in found:
        print(f'  {len(collection.files)} of {collection.name}')
    return files


def _summary(
    pairs: Sequence[LeakPair],
    corpus: Sequence[str],
    evaluation: Sequence[str],
    unreadable: dict[str, str],
) -> dict[str, int]:
    kinds = Counter(pair.kind for pair in pairs)
    return {
        'corpus_images': len(corpus),
        'evaluation_images': len(evaluation),
        'unreadable': len(unreadable),
        'pairs': len(pairs),
        **{kind: kinds[kind] for kind in ('exact', 'perceptual', 'crop')},
        'corpus_images_in_pairs': len({pair.corpus for pair in pairs}),
        'evaluation_images_in_pairs': len({p.evaluation for p in pairs}),
    }


def _sentence(counts: dict[str, int]) -> str:
    return (
        f'{counts["pairs"]} pairs ({counts["exact"]} exact, '
        f'{counts["perceptual"]} perceptual, {counts["crop"]} crops): '
        f'{counts["corpus_images_in_pairs"]} of {counts["corpus_images"]} '
        'corpus images show what '
        f'{counts["evaluation_images_in_pairs"]} of '
        f'{counts["evaluation_images"]} evaluation images show; '
        f'{counts["unreadable"]} unreadable'
    )


def _write(
    args: argparse.Namespace,
    pairs: Sequence[LeakPair],
    summary: dict[str, int],
    corpus: Sequence[str],
    unreadable: dict[str, str],
) -> None:
    if args.out:
        report = {
            'corpus': args.corpus,
            'evaluation': args.evaluation,
            'settings': {
                'max_distance': args.max_distance,
                'min_correlation': args.min_correlation,
                'crops': args.crops,
            },
            'summary': summary,
            'pairs': [asdict(pair) for pair in pairs],
            'unreadable': unreadable,
        }
        write_json(args.out, report, indent=1)
        print(f'report: {args.out}')
    if args.clean_list:
        leaking = {pair.corpus for pair in pairs} | set(unreadable)
        clean = [file for file in corpus if file not in leaking]
        text = ''.join(f'{file}\n' for file in clean)
        write_atomically(args.clean_list, text.encode())
        print(f'{len(clean)} corpus images in no pair: {args.clean_list}')
    if args.pictures:
        sheets = write_pair_sheets(pairs, args.pictures)
        print(f'{len(sheets)} contact sheet(s) of pairs in {args.pictures}')


if __name__ == '__main__':
    raise SystemExit(main())
