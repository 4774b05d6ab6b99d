"""Compare the reports of several checkpoints on the same test images.

Example:
    python tools/analysis/compare.py scratch/report.json amt2/report.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cupre_mm.evaluation.comparison_plot import save_comparison_plot
from cupre_mm.evaluation.comparison_tables import to_markdown, write_tables
from cupre_mm.evaluation.paired_bootstrap import METHODS, Bootstrap
from cupre_mm.evaluation.report_comparison import (
    DEFAULT_MEASURES,
    MEASURES,
    Comparison,
    compare_reports,
)
from cupre_mm.evaluation.saved_reports import baseline_name, read_reports
from cupre_mm.utils.cli import exits_on_user_error

PLOT = 'comparison.png'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    defaults = Bootstrap()
    parser = argparse.ArgumentParser(
        description='Compare the reports that tools/test.py wrote of several '
        'checkpoints on the same test images: a table of scores with their '
        'differences to a baseline, and the differences image by image with '
        'a bootstrap interval of their mean. The interval covers the choice '
        'of the test images, not that of the training seed.'
    )
    parser.add_argument(
        'reports',
        nargs='+',
        metavar='REPORT',
        help='Two or more report.json, or folders that hold one.',
    )
    parser.add_argument(
        '--names',
        nargs='+',
        help='What to call them, in the same order. Defaults to the names of '
        'their folders.',
    )
    parser.add_argument(
        '--baseline',
        metavar='REPORT',
        help='The report, by its path or name, that the others are compared '
        'with. Defaults to the first.',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('comparison'),
        metavar='DIR',
        help='Folder for comparison.md, .csv, .json and .png. Defaults to '
        'comparison.',
    )
    parser.add_argument(
        '--measures',
        nargs='+',
        default=list(DEFAULT_MEASURES),
        choices=list(MEASURES),
        metavar='MEASURE',
        help='Figures of single images to compare, of '
        f'{", ".join(MEASURES)}. Defaults to {", ".join(DEFAULT_MEASURES)}.',
    )
    parser.add_argument(
        '--resamples',
        type=int,
        default=defaults.num_resamples,
        help=f'Bootstrap samples. Defaults to {defaults.num_resamples}.',
    )
    parser.add_argument(
        '--confidence',
        type=float,
        default=defaults.confidence,
        help='Level of the intervals, between 0 and 1. Defaults to '
        f'{defaults.confidence}.',
    )
    parser.add_argument(
        '--method',
        choices=METHODS,
        default=defaults.method,
        help='Bootstrap interval: BCa (bias-corrected and accelerated) or '
        f'percentile. Defaults to {defaults.method}.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=defaults.seed,
        help=f'Of the bootstrap. Defaults to {defaults.seed}.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> Comparison:
    """Compare, print and write.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        Comparison: What was found.
    """
    args = parse_args(argv)
    reports = read_reports(args.reports, args.names)
    baseline = args.baseline
    if baseline is not None:
        baseline = baseline_name(baseline, reports)
    comparison = compare_reports(
        reports,
        baseline,
        args.measures,
        Bootstrap(args.resamples, args.confidence, args.method, args.seed),
    )
    print(to_markdown(comparison))
    written = write_tables(args.out, comparison)
    if comparison.paired:
        written.append(save_comparison_plot(args.out / PLOT, comparison))
    else:
        # One of an earlier comparison would pass for this one's.
        (args.out / PLOT).unlink(missing_ok=True)
        print('\nNo plot: no figures of single images to compare.')
    print()
    for path in written:
        print(f'Comparison: {path}')
    return comparison


if __name__ == '__main__':
    main()
