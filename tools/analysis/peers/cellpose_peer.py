"""Train Cellpose from scratch on a benchmark's labels, and score it.

Example:
    python tools/analysis/peers/cellpose_peer.py --cells 5:0 5:1 10:0
        --python peers/cellpose/bin/python --work-dir work_dirs/benchmark
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cupre_mm.evaluation.benchmark_results.grid import Size, parse_size
from cupre_mm.evaluation.peers.cellpose_recipe import CellposeRecipe
from cupre_mm.evaluation.peers.label_sets import write_label_set
from cupre_mm.evaluation.peers.peer_arguments import (
    add_data_arguments,
    add_environment_arguments,
    cellpose_environment,
    positive,
)
from cupre_mm.evaluation.peers.peer_cell import PeerCell, run_cell
from cupre_mm.utils.cli import exits_on_user_error, message_of
from cupre_mm.utils.errors import BadDataError, UserError
from cupre_mm.utils.few_shot import shots_name, split_name

DRIVERS = Path(__file__).resolve().parent / 'drivers'
ARM = 'cellpose'
TITLE = 'Cellpose 3.x, from scratch'
CELLS = '5:0 5:1 5:2 10:0 20:0 100:0'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    recipe = CellposeRecipe()
    parser = argparse.ArgumentParser(
        description='Train Cellpose from scratch on the labelled images of a '
        'benchmark, by its own documented recipe and in an environment of '
        'its own, and score it on the same test images, by our metrics and '
        'by its own. The results lie among the cells of the benchmark. A '
        'finished cell is not run again.'
    )
    add_environment_arguments(parser)
    add_data_arguments(parser)
    parser.add_argument(
        '--work-dir',
        type=Path,
        required=True,
        help='Work dir of the benchmark; the cells go to cells/cellpose in '
        'it.',
    )
    parser.add_argument(
        '--splits',
        default='annotations/benchmark/seed{seed}',
        help='Folder of the splits, from --data on; {seed} stands for the '
        'seed. Defaults to annotations/benchmark/seed{seed}.',
    )
    parser.add_argument(
        '--preset',
        choices=['livecell'],
        help='Preset of cupre_mm.CellMetric that the arms are scored with. '
        'Defaults to none.',
    )
    parser.add_argument(
        '--cells',
        nargs='+',
        type=_cell,
        default=[_cell(one) for one in CELLS.split()],
        metavar='SIZE:SEED',
        help='What to run, in this order: percent of the training images, '
        'or a number of images as in 10shots, and the seed of the split. '
        f'Defaults to {CELLS}.',
    )
    parser.add_argument(
        '--epochs',
        type=positive,
        default=recipe.n_epochs,
        help=f'Epochs. Defaults to {recipe.n_epochs}, as documented.',
    )
    parser.add_argument(
        '--images-per-epoch',
        type=positive,
        help="Crops of an epoch, Cellpose's nimg_per_epoch. It bounds the "
        'time of large sizes; smaller ones than this take all their images. '
        'Defaults to as many as there are images, as documented.',
    )
    parser.add_argument(
        '--diameter',
        choices=['estimated', 'trained'],
        default='estimated',
        help='Diameter of the test objects: estimated image by image by a '
        'size model, or the mean of the training images. Defaults to '
        'estimated, as documented.',
    )
    parser.add_argument(
        '--amp',
        choices=['bfloat16'],
        help='Train under autocast, which on processors with AMX takes a '
        'fifth of the time. Defaults to float32, as documented.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Run what the command line names.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.
    """
    args = parse_args(argv)
    environment = cellpose_environment(args, DRIVERS)
    versions = environment.check()
    print(f'Cellpose {versions["cellpose"]} of {environment.python}')
    failures = []
    for number, (size, seed) in enumerate(args.cells, start=1):
        name = f'{ARM}/{size.name}/seed{seed}'
        try:
            cell = _plan(args, size, seed)
            place = f'[{number}/{len(args.cells)}] {name}'
            if cell.is_done:
                print(f'{place}: done before', flush=True)
                continue
            print(
                f'{place}: {cell.train.record["images"]} images, '
                f'{cell.train.record["instances"]} instances',
                flush=True,
            )
            _report(cell, run_cell(cell, environment))
        except UserError as error:
            print(f'{name} failed: {message_of(error)}', file=sys.stderr)
            failures.append(name)
    if failures:
        raise BadDataError(
            f'{len(failures)} of {len(args.cells)} cells failed: '
            f'{", ".join(failures)}; their cell.json says why. The same '
            'command goes on with them'
        )


def _plan(args: argparse.Namespace, size: Size, seed: int) -> PeerCell:
    sets, images = args.work_dir / 'peers' / 'sets', args.data / 'images'
    split = (
        split_name(size.number)
        if size.unit == 'pct'
        else shots_name(int(size.number))
    )
    folder = args.data / args.splits.format(seed=seed)
    train = write_label_set(folder / f'{split}.json', images, sets)
    limit = args.images_per_epoch
    if limit is not None and limit >= train.record['images']:
        limit = None
    recipe = CellposeRecipe(
        n_epochs=args.epochs,
        nimg_per_epoch=limit,
        size_model=args.diameter == 'estimated',
        amp=args.amp,
    )
    return PeerCell(
        arm=ARM,
        title=TITLE,
        size=size,
        seed=seed,
        root=args.work_dir,
        train=train,
        test=write_label_set(args.data / args.test, images, sets),
        recipe=asdict(recipe),
        command=[sys.executable, *map(str, sys.argv)],
        preset=args.preset,
        deviations=tuple(recipe.deviations()),
    )


def _report(cell: PeerCell, record: dict) -> None:
    metrics, own = record['metrics'], record['own_metrics']['cellpose']
    left_out = record['peer']['images_left_out']
    print(
        f'  {cell.title}: AP_bbox {100 * metrics["coco/bbox_mAP"]:.1f}, '
        f'AP_segm {100 * metrics["coco/segm_mAP"]:.1f}, F1 at IoU 0.5 '
        f'{100 * metrics["coco/cells_f1_50"]:.1f}; by its own metric, '
        f'average precision at 0.5 {100 * own["average_precision_0.5"]:.1f}; '
        f'{record["seconds"] / 60:.1f} minutes; {left_out} images left out '
        f'of training for too few instances. Cell: {cell.folder}'
    )
    for deviation in cell.deviations:
        print(f'  not as documented: {deviation}')


def _cell(text: str) -> tuple[Size, int]:
    size, _, seed = text.partition(':')
    try:
        return parse_size(size if size[-1:].isalpha() else f'{size}pct'), int(
            seed
        )
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is no SIZE:SEED such as 5:0 or 10shots:1'
        ) from None


if __name__ == '__main__':
    main()
