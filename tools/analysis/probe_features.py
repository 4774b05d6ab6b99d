"""Compare pre-trainings without fine-tuning: a linear probe of each pixel.

How well do the features of a checkpoint, as they are, tell background, cells
and their borders apart? A logistic regression a level is fitted by the images
of one annotation file and measured by those of another. It takes a minute a
checkpoint; what fine-tuning makes of the features it does not say.

Example:
    python tools/analysis/probe_features.py \
        configs/mini/finetune_coco_mini.py coco.pth amt2.pth random \
        --train annotations/tuning/seed0/train_100.json \
        --test annotations/tuning/seed0/test.json
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.registry import init_default_scope
from mmengine.runner.utils import set_random_seed
from torch import nn

from cupre_mm.evaluation.feature_probe.linear_probe import recalls
from cupre_mm.evaluation.feature_probe.pixel_features import (
    CLASSES,
    extract,
    read_samples,
)
from cupre_mm.registry import MODELS
from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.checkpoint import read_checkpoint, state_dict_of
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.errors import BadCheckpointError
from cupre_mm.utils.no_exec import read_config

RANDOM = 'random'
_PARTS = ('backbone.', 'neck.')
_COUNTER = 'num_batches_tracked'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Measure by a linear probe how well the features of '
        'checkpoints tell background, inside and border of cells apart.'
    )
    parser.add_argument(
        'config', help='A fine-tuning config: its model and its images.'
    )
    parser.add_argument(
        'checkpoints',
        nargs='+',
        metavar='CHECKPOINT',
        help=f'Files or URLs; the word {RANDOM} stands for random weights.',
    )
    for name, what in (('train', 'fitted'), ('test', 'measured')):
        parser.add_argument(
            f'--{name}',
            required=True,
            metavar='ANN',
            help=f'Annotation file, as the ann_file of the config is '
            f'written, by whose images the probe is {what}.',
        )
    parser.add_argument(
        '--images',
        type=int,
        default=64,
        help='Most images of each file. Defaults to 64.',
    )
    parser.add_argument(
        '--levels',
        nargs='+',
        default=['C2', 'C3', 'P2', 'P3'],
        metavar='LEVEL',
        help='C2 and so on of the backbone, P2 and so on of the neck. '
        'Defaults to C2 C3 P2 P3, where small cells are seen.',
    )
    parser.add_argument(
        '--pixels',
        type=int,
        default=50_000,
        help='Most pixels to fit by, and to measure by. Defaults to 50000.',
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        default=16,
        help='Images at a time, at most, by whose statistics features are '
        'normalised. Defaults to 16.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='Draws images, crops and random weights. Defaults to 0.',
    )
    parser.add_argument('--out', help='JSON file to write the shares to.')
    args = parser.parse_args(argv)
    for name in ('images', 'pixels', 'batch_size'):
        if getattr(args, name) < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1')
    return args


def load_features(settings: Any, checkpoint: str, seed: int) -> nn.Module:
    """Build a detector whose backbone and neck are those of a checkpoint.

    Args:
        settings (Any): The model's config.
        checkpoint (str): A file or URL, or :data:`RANDOM`.
        seed (int): Of random weights.

    Returns:
        nn.Module: The detector.

    Raises:
        MissingDataError: If there is no such file.
        BadCheckpointError: If it lacks weights of backbone or neck, or has
            them in other shapes.
    """
    model = MODELS.build(settings)
    if checkpoint == RANDOM:
        set_random_seed(seed)
        # It would log a line a weight.
        logging.disable(logging.INFO)
        model.init_weights()
        logging.disable(logging.NOTSET)
        return model
    state = state_dict_of(read_checkpoint(checkpoint))
    own = {
        name: value
        for name, value in model.state_dict().items()
        if name.startswith(_PARTS)
    }
    bad = [
        name
        for name, value in own.items()
        if not name.endswith(_COUNTER)
        and (name not in state or state[name].shape != value.shape)
    ]
    if bad:
        raise BadCheckpointError(
            f'{checkpoint} has not the features of this config: {len(bad)} '
            f'weights are missing or of another shape, such as {bad[0]}'
        )
    found = {name: state[name] for name in own if name in state}
    model.load_state_dict(found, strict=False)
    return model


def line(name: str, levels: dict[str, list[float | None]]) -> str:
    """Write the mean over the classes of each level.

    Args:
        name (str): What to call the checkpoint.
        levels (dict[str, list]): Shares of the classes by level.

    Returns:
        str: Such as 'C2 58.3  P2 59.3  coco.pth'.
    """
    means = []
    for level, shares in levels.items():
        known = [share for share in shares if share is not None]
        means.append(f'{level} {100 * sum(known) / len(known):.1f}')
    return '  '.join([*means, name])


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> int:
    """Probe each checkpoint, and print the shares of pixels found.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        int: Exit code 0.
    """
    args = parse_args(argv)
    config = read_config(args.config)
    init_default_scope(config.get('default_scope') or 'mmdet')
    train, test = (
        read_samples(config, ann_file, args.images, args.seed)
        for ann_file in (args.train, args.test)
    )
    print(
        f'{len(train)} images to fit, {len(test)} to measure; share of the '
        f'pixels found, mean of {", ".join(CLASSES)}, in %',
        flush=True,
    )
    rows = {}
    for checkpoint in args.checkpoints:
        model = load_features(config.model, checkpoint, args.seed)
        fitted, measured = (
            extract(
                model,
                samples,
                args.levels,
                args.batch_size,
                args.pixels,
                args.seed,
            )
            for samples in (train, test)
        )
        rows[checkpoint] = {
            level: recalls(
                (fitted.levels[level], fitted.classes),
                (measured.levels[level], measured.classes),
                len(CLASSES),
            )
            for level in args.levels
        }
        print(line(checkpoint, rows[checkpoint]), flush=True)
    if args.out:
        settings = {**vars(args), 'classes': CLASSES, 'shares': rows}
        text = json.dumps(settings, indent=1)
        write_atomically(Path(args.out), text.encode())
    return 0


if __name__ == '__main__':
    sys.exit(main())
