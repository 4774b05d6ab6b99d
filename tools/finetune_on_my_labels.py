"""Fine-tune a model on label images of your own.

Example:
    python tools/finetune_on_my_labels.py my_labels work_dirs/mine \
        --checkpoint work_dirs/amt2/iter_90000.pth
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.own_labels.label_reading import FORMS
from cupre_mm.utils.own_labels.messages import describe_plan, describe_result
from cupre_mm.utils.own_labels.preparation import (
    Request,
    prepare,
    write_config,
)
from cupre_mm.utils.own_labels.starting_point import SIZES
from cupre_mm.utils.own_labels.training_run import train


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Fine-tune a model on label images of your own: read '
        'them, hold a part out, work out anchors, magnification, crops and '
        'budget, write them to OUT/config.py, train until the held-out part '
        'gains no more, and keep the best model as OUT/model.pth.'
    )
    parser.add_argument(
        'labels',
        metavar='LABELLED_FOLDER',
        type=Path,
        help='Folder or zip with images and labels as napari, Fiji, '
        'Cellpose or StarDist write them: x.tif and x_masks.tif (or '
        '_labels, _cp_masks, _mask) in one folder, x.tif and x.zip of the '
        "ROI manager, x_seg.npy of Cellpose's window, parallel folders such "
        'as images and labels, or a COCO json and its images.',
    )
    parser.add_argument(
        'out',
        metavar='OUT',
        type=Path,
        help='Folder to write data, config, logs and model into.',
    )
    parser.add_argument(
        '--checkpoint',
        help='Weights to start from, of an AMT2 or COCO pre-training or of '
        'an earlier round. Defaults to none: random weights, said so.',
    )
    parser.add_argument(
        '--size',
        choices=SIZES,
        help='Base model: mini (ResNet-18) or full (ResNet-50). Defaults to '
        'that of the checkpoint, else mini on a CPU and full on a GPU.',
    )
    parser.add_argument(
        '--base-config',
        help='Config of your own with model and runtime to inherit from, in '
        'place of --size.',
    )
    parser.add_argument(
        '--device',
        choices=['auto', 'cpu', 'cuda'],
        default='auto',
        help='Where to train. Defaults to auto: a GPU where there is one.',
    )
    parser.add_argument(
        '--labels-are',
        choices=FORMS,
        default='auto',
        help='Label images (one number a cell), binary masks (one connected '
        'piece a cell) or a COCO json. Defaults to auto: as they look.',
    )
    parser.add_argument(
        '--class-name',
        help='Name of the one class of all cells. Defaults to cell, or the '
        'categories of a COCO json.',
    )
    parser.add_argument(
        '--iterations',
        type=_positive,
        help='Most iterations. Defaults to what the number of cells gives.',
    )
    parser.add_argument(
        '--batch-size',
        type=_positive,
        help='Crops of an iteration. Defaults to what model and device allow.',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=min(os.cpu_count() or 1, 2),
        help='Processes that load images; 0 loads them in the main one. '
        'Defaults to 2, or 1 on one CPU.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='Chooses the held-out images and the random numbers of the run. '
        'Defaults to 0.',
    )
    parser.add_argument(
        '--group',
        help='A csv file with the columns file_name and attribute, or a key '
        'of the images of a COCO json: images of one attribute, such as '
        'frames of a film, are never on both sides. Defaults to none.',
    )
    parser.add_argument(
        '--pretraining',
        nargs='+',
        default=(),
        metavar='PATH',
        help='Folders, lists or configs of the images that the checkpoint '
        'was pre-trained on: held-out images among them are told.',
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='Read the labels, write the config and print the plan, but do '
        'not train. Then --resume trains with the config as it is.',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='Go on from the last checkpoint in OUT with OUT/config.py as it '
        'is; other options but --device are not looked at.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Prepare, train and say what came out.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.
    """
    args = parse_args(argv)
    if not args.resume:
        prepared = prepare(
            Request(
                source=args.labels,
                out=args.out,
                checkpoint=args.checkpoint,
                base_config=args.base_config,
                size=args.size,
                device=args.device,
                form=args.labels_are,
                class_name=args.class_name,
                iterations=args.iterations,
                batch_size=args.batch_size,
                workers=args.workers,
                seed=args.seed,
                group=args.group,
                pretraining=tuple(args.pretraining),
            )
        )
        write_config(prepared)
        print(describe_plan(prepared), flush=True)
        if args.dry_run:
            print(
                'Nothing is trained (--dry-run). The same command with '
                '--resume in its place trains with the config as it is then.'
            )
            return
    print(describe_result(train(args.out, args.device, args.resume)))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{number} is not 1 or more')
    return number


if __name__ == '__main__':
    main()
