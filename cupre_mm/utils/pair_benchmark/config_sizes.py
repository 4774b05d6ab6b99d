"""Sizes of the batches of a comparison, from a config or its flags."""

import argparse

from mmengine.config import Config

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.pair_benchmark.random_batches import BatchSizes


def add_size_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that :func:`read_sizes` reads.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
    """
    for flag, text in (
        ('--batch-size', 'Images of a detection step.'),
        ('--views', 'Images of a contrastive step, each in two views.'),
        ('--view-size', 'Height and width of a view in pixels.'),
    ):
        parser.add_argument(flag, type=int, metavar='N', help=text)
    parser.add_argument(
        '--image-size',
        type=int,
        nargs='+',
        metavar='N',
        help='Height and width of a detection image in pixels, or one number '
        'for both.',
    )


def read_sizes(config: Config, args: argparse.Namespace) -> BatchSizes:
    """Take the sizes of the command line, else those of the config.

    Args:
        config (Config): Pre-training config.
        args (argparse.Namespace): The command line.

    Returns:
        BatchSizes: The sizes.

    Raises:
        BadConfigError: If the config does not tell an image or view size.
    """
    loaders = config.train_dataloader
    image_size, view_size = args.image_size, args.view_size
    for step in () if image_size else loaders.det.dataset.pipeline:
        if 'scales' in step:
            image_size = sorted(max(step['scales']))
        image_size = step.get('crop_size', image_size)
    for step in () if view_size else loaders.moco.dataset.pipeline:
        for view in step.get('transforms', [()])[0]:
            if 'RandomResizedCrop' in view['type']:
                view_size = view['scale']
    if not image_size or not view_size:
        raise BadConfigError(
            f'{args.config} tells no size of images or views: give '
            '--image-size and --view-size'
        )
    return BatchSizes(
        images=args.batch_size or loaders.det.batch_size,
        image_size=(image_size[0], image_size[-1]),
        views=args.views or loaders.moco.batch_size,
        view_size=view_size,
    )
