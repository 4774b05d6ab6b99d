"""Write the detector of an AMT2 checkpoint for stock mmdet."""

import argparse
from pathlib import Path

from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.detector_export import card_of, export_detector
from cupre_mm.utils.model_card import read_report


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
        'weights where there are any. A model card is put beside them: the '
        'training data and their licences, accuracy, intended use. Look it '
        'through before you pass the weights on.'
    )
    parser.add_argument('checkpoint', help='Checkpoint of a training run.')
    parser.add_argument(
        'out',
        help='File to write; eight digits of its sha256 are added to the '
        'name.',
    )
    parser.add_argument(
        '--report',
        help='A report.json of its evaluation, for the model card.',
    )
    parser.add_argument(
        '--trained-on',
        nargs='+',
        default=[],
        metavar='DATA',
        help='Data that it was trained on beside what the config in the '
        'checkpoint names, such as that of earlier stages; the model card '
        'tells licences of LIVECell, BBBC038 and COCO.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: list[str] | None = None) -> None:
    """Export one checkpoint.

    Args:
        argv (list[str], optional): Arguments. Defaults to ``sys.argv[1:]``.
    """
    args = parse_args(argv)
    report = read_report(Path(args.report)) if args.report else None
    written = export_detector(
        args.checkpoint, args.out, args.trained_on, report
    )
    print(f'Wrote {written}')
    print(f'Model card: {card_of(written)}')


if __name__ == '__main__':
    main()
