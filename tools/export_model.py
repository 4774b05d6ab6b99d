"""Write a trained detector as one file that runs without mmdet.

Example:
    python tools/export_model.py CONFIG CHECKPOINT OUT --report report.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cupre_mm.utils.cli import exits_on_user_error


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Write a trained Mask R-CNN or Cascade Mask R-CNN as '
        'TorchScript, which torch and torchvision run without mmdet; a '
        'loader and a model card are put beside it. The exported model must '
        'detect what the original does, or nothing is written.'
    )
    parser.add_argument('config', help='Config of the detector.')
    parser.add_argument('checkpoint', help='The trained weights.')
    parser.add_argument('out', help='Folder to write.')
    parser.add_argument(
        '--report',
        help='A report.json of its evaluation, for the model card.',
    )
    parser.add_argument(
        '--trained-on',
        nargs='+',
        default=[],
        metavar='DATA',
        help='Data that it was trained on beside what the config names, '
        'such as that of its pre-training; the model card tells licences of '
        'LIVECell, BBBC038 and COCO.',
    )
    parser.add_argument(
        '--images',
        nargs='+',
        default=[],
        metavar='IMAGE',
        help='8-bit images on which both models are compared. Defaults to '
        'generated ones.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Export one model.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.
    """
    args = parse_args(argv)
    # After the command line was understood: they take seconds.
    from cupre_mm.apis.export_run import export_model
    from cupre_mm.utils.intensity import stretch_to_uint8
    from cupre_mm.utils.microscopy_io import read_image, to_three_channels

    images = [
        to_three_channels(stretch_to_uint8(read_image(Path(path)), 1.0, 99.8))
        for path in args.images
    ]
    files, difference = export_model(
        args.config,
        args.checkpoint,
        args.out,
        args.trained_on,
        args.report,
        images,
    )
    print(
        f'Equal to the original on {difference.images} images with '
        f'{difference.detections} detections: boxes within '
        f'{difference.box:.1e} px, scores within {difference.score:.1e}, '
        f'{difference.mask_pixels} pixels of masks differ.'
    )
    for file in files:
        print(f'Wrote {file} ({file.stat().st_size / 2**20:.1f} MiB)')


if __name__ == '__main__':
    main()
