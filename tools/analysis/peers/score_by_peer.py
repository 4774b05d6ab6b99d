"""Score the arms of a benchmark by a peer's own metric.

Example:
    python tools/analysis/peers/score_by_peer.py work_dirs/benchmark
        --python peers/cellpose/bin/python
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from cupre_mm.evaluation.benchmark_results.score_summary import OWN_SHOWN
from cupre_mm.evaluation.peers.benchmark_scores import (
    own_score_table,
    score_cells,
)
from cupre_mm.evaluation.peers.label_sets import write_label_set
from cupre_mm.evaluation.peers.peer_arguments import (
    add_data_arguments,
    add_environment_arguments,
    cellpose_environment,
)
from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.cli import exits_on_user_error

DRIVERS = Path(__file__).resolve().parent / 'drivers'
COLUMNS = tuple((title, name) for name, title in OWN_SHOWN.items())
INTRODUCTION = (
    "Scores by Cellpose's own metrics, times 100, of the same predictions "
    'that our metrics score. Its average precision is TP / (TP + FP + FN) of '
    'label images, without a ranking by score; the mean over the test '
    'images, with the spread over the seeds. Of our arms the detections with '
    'a score of 0.5 or more count, the best-scored in front, which leaves '
    'out cells that detectors trained on few labels score lower.'
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Score each finished cell of a benchmark by the own '
        'metrics of Cellpose, so that both sides are compared by both. The '
        'scores are added to own_metrics in the cell.json, and a table is '
        'written to peer_scores.md in the work dir.'
    )
    parser.add_argument(
        'work_dir', type=Path, help='Work dir of the benchmark.'
    )
    add_environment_arguments(parser)
    add_data_arguments(parser)
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Score what the command line names.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.
    """
    args = parse_args(argv)
    environment = cellpose_environment(args, DRIVERS)
    versions = environment.check()
    truth = write_label_set(
        args.data / args.test,
        args.data / 'images',
        args.work_dir / 'peers' / 'sets',
    )
    scored, before = [], 0
    for folder, scores, known in tqdm(
        score_cells(args.work_dir, truth, environment),
        desc='scoring',
        unit=' cells',
    ):
        scored.append((folder, scores))
        before += known
    table = own_score_table(scored, COLUMNS)
    print(f'\n{table}\n')
    target = args.work_dir / 'peer_scores.md'
    origin = f'Cellpose {versions["cellpose"]}, {truth.record["file"]}.'
    parts = ["# Scores by Cellpose's own metrics", INTRODUCTION, table, origin]
    write_atomically(target, ('\n\n'.join(parts) + '\n').encode())
    print(f'{len(scored)} cells, {before} of them scored before: {target}')


if __name__ == '__main__':
    main()
