"""Measure prediction: CellSegmenter against mmdet's DetInferencer and SAHI.

All predict with the same checkpoint, each in a process of its own, in turns:
on single images and on a large mosaic of them. docs/benchmarks.md has
figures.

Example:
    python tools/analysis/benchmark_prediction.py CONFIG CHECKPOINT
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.prediction_benchmark.command_line import (
    MMDET,
    OURS,
    SAHI,
    parse_args,
)
from cupre_mm.utils.prediction_benchmark.images import (
    write_images,
    write_mosaic,
)
from cupre_mm.utils.prediction_benchmark.predictor_process import serve


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


def benchmark(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Make the images, and measure on them.

    Args:
        args (argparse.Namespace): The command line.
        folder (Path): For what is written in between.

    Returns:
        dict[str, Any]: The figures.
    """
    # These import torch, for seconds: a wrong option is told before.
    from cupre_mm.utils.prediction_benchmark.figures_table import table
    from cupre_mm.utils.prediction_benchmark.measurement import measure

    if args.generated:
        ann, images = _generate(args, folder)
    else:
        ann, images = _given(args)
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
        figures[title] = measure(
            args, __file__, one, names, repeats, folder, warm_up
        )
        print(table(figures[title]), flush=True)
    return figures


def _given(args: argparse.Namespace) -> tuple[Path, Path]:
    dataset = Config.fromfile(args.config).test_dataloader.dataset
    root = Path(dataset.get('data_root') or '')
    ann = Path(args.ann or root / dataset.ann_file)
    images = Path(args.images or root / dataset.data_prefix.img)
    if not Path(args.checkpoint).is_file():
        raise MissingDataError(
            f'{args.checkpoint} does not exist; `make mini` trains one, or '
            'name a config and a checkpoint of yours'
        )
    return ann, images


def _generate(args: argparse.Namespace, folder: Path) -> tuple[Path, Path]:
    from cupre_mm.utils.prediction_benchmark.stand_in import (
        write_generated_images,
        write_random_detector,
    )

    print(
        f'{args.checkpoint} is not there (`make mini` trains it): random '
        'weights on generated images, 100 detections each; AP tells nothing'
    )
    config, checkpoint = write_random_detector(args.config, folder)
    args.config, args.checkpoint = str(config), str(checkpoint)
    # Random scores: what counts is that all give equally many.
    args.score_thr = args.min_visible = 0.0
    ann, images = write_generated_images(folder)
    return Path(args.ann or ann), Path(args.images or images)


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
