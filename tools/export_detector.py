"""Write the detector of an AMT2 checkpoint for stock mmdet."""

import argparse

from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.detector_export import export_detector


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (list[str], optional): Arguments. Defaults to ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The parsed arguments.
    """
    parser = argparse.ArgumentParser(
        description='Write the weights of an AMT2 checkpoint that a stock '
        'mmdet detector loads: no contrastive branch, no optimizer, averaged '
        'weights where there are any.'
    )
    parser.add_argument('checkpoint', help='Checkpoint of a training run.')
    parser.add_argument(
        'out',
        help='File to write; eight digits of its sha256 are added to the '
        'name.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: list[str] | None = None) -> None:
    """Export one checkpoint.

    Args:
        argv (list[str], optional): Arguments. Defaults to ``sys.argv[1:]``.
    """
    args = parse_args(argv)
    print(f'Wrote {export_detector(args.checkpoint, args.out)}')


if __name__ == '__main__':
    main()
