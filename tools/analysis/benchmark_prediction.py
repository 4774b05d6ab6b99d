"""Measure prediction: CellSegmenter against mmdet's DetInferencer and SAHI.

All predict with the same checkpoint, each in a process of its own, in turns:
on single images and on a large mosaic of them. docs/benchmarks.md has
figures.

Example:
    python tools/analysis/benchmark_prediction.py CONFIG CHECKPOINT
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from mmengine.config import Config

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.prediction_benchmark.images import (
    ImageSet,
    write_images,
    write_mosaic,
)
from cupre_mm.utils.prediction_benchmark.predictor_process import (
    PredictorProcess,
    serve,
)

OURS, MMDET, SAHI = 'CellSegmenter', 'DetInferencer', 'SAHI'
CONFIG = 'configs/mini/finetune_coco_mini.py'
CHECKPOINT = 'work_dirs/mini/finetune_coco_mini/iter_200.pth'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Measure images a second, peak memory and AP of '
        'prediction on labelled images and on a mosaic of them, by '
        "CellSegmenter, mmdet's DetInferencer and SAHI (mosaic)."
    )
    parser.add_argument(
        'config',
        nargs='?',
        default=CONFIG,
        help=f'Config of the detector. Defaults to {CONFIG}.',
    )
    parser.add_argument(
        'checkpoint',
        nargs='?',
        default=CHECKPOINT,
        help=f'Its weights. Defaults to {CHECKPOINT}, of `make mini`.',
    )
    parser.add_argument(
        '--ann',
        help="COCO json of the images. Defaults to the config's test set.",
    )
    parser.add_argument('--images', help='Folder of the images.')
    parser.add_argument(
        '--number',
        type=int,
        default=24,
        help='Images to predict. Defaults to 24.',
    )
    parser.add_argument(
        '--largest',
        type=int,
        default=700,
        help='Longest side of an image that is taken. Defaults to 700.',
    )
    parser.add_argument(
        '--mosaic',
        type=int,
        default=4096,
        help='Side of the mosaic; 0 leaves it out. Defaults to 4096.',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.5,
        help='Least score of a detection, for all of them: stock predictors '
        'get it as the test setting of the model. Defaults to 0.5.',
    )
    parser.add_argument(
        '--min-visible',
        type=float,
        default=0.5,
        help='Least share of a cell that better ones must leave, of '
        'CellSegmenter; stock predictors let cells overlap. Defaults to 0.5.',
    )
    parser.add_argument('--tile', type=int, default=1024, help='Tile side.')
    parser.add_argument(
        '--overlap', type=int, default=128, help='What tiles share.'
    )
    parser.add_argument(
        '--repeats',
        type=int,
        default=3,
        help='Rounds over the images, in turns. Defaults to 3.',
    )
    parser.add_argument(
        '--mosaic-repeats', type=int, default=1, help='Defaults to 1.'
    )
    parser.add_argument(
        '--no-sahi', action='store_true', help='Leave SAHI out.'
    )
    parser.add_argument(
        '--bfloat16',
        action='store_true',
        help='Let CellSegmenter convolve in bfloat16.',
    )
    parser.add_argument('--device', default='cpu', help='Defaults to cpu.')
    parser.add_argument(
        '--threads',
        type=int,
        default=1,
        help='Threads of each process. Defaults to 1.',
    )
    parser.add_argument(
        '--memory-limit',
        type=float,
        default=12,
        help='GiB at which a predictor is stopped, which counts as out of '
        'memory. Defaults to 12.',
    )
    parser.add_argument('--out', help='JSON file to write the figures to.')
    parser.add_argument('--serve', help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if min(args.number, args.repeats, args.mosaic_repeats, args.threads) < 1:
        parser.error('--number, --repeats and --threads must be positive')
    return args


def _load(
    settings: dict[str, Any],
) -> tuple[Callable[[Path], Any], Callable[[Any], list[dict[str, Any]]]]:
    from cupre_mm.utils.prediction_benchmark import stock_predictors as stock

    who = settings['side']
    config, weights = Path(settings['config']), Path(settings['checkpoint'])
    device, score_thr = settings['device'], settings['score_thr']
    if who == MMDET:
        return (
            stock.load_det_inferencer(config, weights, device),
            stock.finish,
        )
    if who == SAHI:
        predict = stock.load_sahi(
            config,
            weights,
            device,
            score_thr,
            settings['tile'],
            settings['overlap'],
        )
        return predict, stock.finish
    from cupre_mm.apis import CellSegmenter, SegmentationOptions
    from cupre_mm.apis.faster_model import make_faster, set_least_score

    segmenter = CellSegmenter(
        config,
        weights,
        device,
        SegmentationOptions(
            score_thr=score_thr,
            tile=settings['tile'],
            overlap=settings['overlap'],
            min_visible=settings['min_visible'],
        ),
    )
    # A second time changes nothing.
    make_faster(segmenter.model, settings['bfloat16'])
    set_least_score(segmenter.model, score_thr)
    return lambda path: segmenter.segment_file(path)[''], _from_ours


def _from_ours(cells: Any) -> list[dict[str, Any]]:
    return [
        dict(
            score=float(score),
            label=int(label),
            bbox=[
                float(side)
                for side in (
                    box[0],
                    box[1],
                    box[2] - box[0],
                    box[3] - box[1],
                )
            ],
            segmentation=mask.to_rle(cells.shape),
        )
        for mask, score, label, box in zip(
            cells.masks, cells.scores, cells.labels, cells.boxes
        )
    ]


def measure(
    args: argparse.Namespace,
    images: ImageSet,
    names: Sequence[str],
    repeats: int,
    folder: Path,
    warm_up: Path,
) -> dict[str, Any]:
    """Let several predictors take turns on some images.

    Args:
        args (argparse.Namespace): The command line.
        images (ImageSet): The images.
        names (Sequence[str]): The predictors.
        repeats (int): Rounds.
        folder (Path): Where configs, logs and results go.
        warm_up (Path): An image that is predicted before.

    Returns:
        dict[str, Any]: Figures of each predictor.
    """
    from cupre_mm.utils.prediction_benchmark.scoring import score
    from cupre_mm.utils.prediction_benchmark.stock_predictors import (
        plain_config,
    )

    config = Config.fromfile(args.config)
    files = {}
    for is_stock in (True, False):
        files[is_stock] = folder / f'{"stock" if is_stock else "ours"}.py'
        plain_config(config, is_stock, args.score_thr).dump(files[is_stock])
    sides = [
        PredictorProcess(
            [sys.executable, __file__, '--serve'],
            dict(
                side=name,
                config=str(files[name != OURS]),
                checkpoint=args.checkpoint,
                paths={key: str(one) for key, one in images.paths.items()},
                warm_up=str(warm_up),
                results=str(folder / f'{name}.json'),
                **{
                    key: getattr(args, key)
                    for key in (
                        'device',
                        'score_thr',
                        'tile',
                        'overlap',
                        'threads',
                        'bfloat16',
                        'min_visible',
                    )
                },
            ),
            args.memory_limit,
            folder / f'{name}.log',
        )
        for name in names
    ]
    for number in range(repeats):
        # Every other round begins with the last one.
        for side in sides if number % 2 == 0 else sides[::-1]:
            side.run()
    figures = {}
    for side in sides:
        found = side.end()
        if not side.rounds or not found:
            figures[side.name] = dict(failure=side.failure or 'no result')
            continue
        seconds = [one['seconds'] for one in side.rounds]
        figures[side.name] = dict(
            images_per_second=len(images.paths) / median(seconds),
            seconds=seconds,
            cpu_seconds=[one['cpu_seconds'] for one in side.rounds],
            peak_mib=side.rounds[-1]['peak'],
            loaded_mib=side.loaded,
            gpu_peak_mib=side.rounds[-1]['gpu_peak'],
            detections=sum(map(len, found.values())),
            **score(images.ann_file, found),
        )
    return figures


def table(figures: dict[str, Any]) -> str:
    """Write the figures of one set of images as Markdown.

    Args:
        figures (dict): Of :func:`measure`.

    Returns:
        str: The table.
    """
    rows = [
        '| | images/s | time | CPU time | peak memory | memory | found | '
        'AP_bbox | AP_segm |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    ours = figures[OURS]
    for name, one in figures.items():
        if 'failure' in one:
            rows.append(f'| {name} | {one["failure"]} | | | | | | | |')
            continue
        time_ratio = cpu_ratio = memory_ratio = ''
        if 'failure' not in ours:
            speeds = ours['images_per_second'] / one['images_per_second']
            time_ratio = f'{speeds:.2f} x'
            worked = median(one['cpu_seconds']) / median(ours['cpu_seconds'])
            cpu_ratio = f'{worked:.2f} x'
            memory_ratio = f'{one["peak_mib"] / ours["peak_mib"]:.2f} x'
        rows.append(
            f'| {name} | {one["images_per_second"]:.3f} | {time_ratio} | '
            f'{cpu_ratio} | '
            f'{one["peak_mib"]:,.0f} MiB | {memory_ratio} | '
            f'{one["detections"]:,} | {100 * one["bbox_mAP"]:.1f} | '
            f'{100 * one["segm_mAP"]:.1f} |'
        )
    return '\n'.join(rows)


def benchmark(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Make the images, and measure on them.

    Args:
        args (argparse.Namespace): The command line.
        folder (Path): For what is written in between.

    Returns:
        dict[str, Any]: The figures.
    """
    dataset = Config.fromfile(args.config).test_dataloader.dataset
    root = Path(dataset.get('data_root') or '')
    ann = Path(args.ann or root / dataset.ann_file)
    images = Path(args.images or root / dataset.data_prefix.img)
    if not Path(args.checkpoint).is_file():
        raise MissingDataError(
            f'{args.checkpoint} does not exist; `make mini` trains it, or '
            'name a config and a checkpoint of yours'
        )
    single = write_images(ann, images, folder, args.number, args.largest)
    warm_up = next(iter(single.paths.values()))
    figures: dict[str, Any] = dict(
        settings={
            key: value for key, value in vars(args).items() if key != 'serve'
        }
    )
    jobs = [('images', single, [OURS, MMDET], args.repeats)]
    if args.mosaic:
        names = [OURS, MMDET] + ([] if args.no_sahi else [SAHI])
        mosaic = write_mosaic(single, folder, args.mosaic)
        jobs.append(('mosaic', mosaic, names, args.mosaic_repeats))
    for title, one, names, repeats in jobs:
        print(
            f'\n{title}: {len(one.paths)} with {one.instances:,} cells, '
            f'{repeats} rounds, scores from {args.score_thr}',
            flush=True,
        )
        figures[title] = measure(args, one, names, repeats, folder, warm_up)
        print(table(figures[title]), flush=True)
    return figures


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, print and write.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        dict[str, Any]: The figures.

    Raises:
        BadDataError: If CellSegmenter itself failed.
    """
    args = parse_args(argv)
    if args.serve:
        serve(json.loads(args.serve), _load)
        return {}
    if args.out:
        make_folder(Path(args.out).parent)
    with tempfile.TemporaryDirectory() as folder:
        figures = benchmark(args, Path(folder))
    if args.out:
        write_json(Path(args.out), figures, indent=1)
        print(f'\nFigures: {args.out}')
    for title in ('images', 'mosaic'):
        failure = figures.get(title, {}).get(OURS, {}).get('failure')
        if failure:
            raise BadDataError(f'CellSegmenter on the {title}: {failure}')
    return figures


if __name__ == '__main__':
    main()
