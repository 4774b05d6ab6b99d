"""Lets predictors take turns on the same images."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from mmengine.config import Config

from cupre_mm.utils.prediction_benchmark.command_line import OURS
from cupre_mm.utils.prediction_benchmark.images import ImageSet
from cupre_mm.utils.prediction_benchmark.predictor_process import (
    PredictorProcess,
)
from cupre_mm.utils.prediction_benchmark.scoring import score
from cupre_mm.utils.prediction_benchmark.stock_predictors import plain_config


def measure(
    args: argparse.Namespace,
    program: str,
    images: ImageSet,
    names: Sequence[str],
    repeats: int,
    folder: Path,
    warm_up: Path,
) -> dict[str, Any]:
    """Let several predictors take turns on some images.

    Args:
        args (argparse.Namespace): Of :func:`.command_line.parse_args`.
        program (str): Python file that serves a predictor with ``--serve``.
        images (ImageSet): The images.
        names (Sequence[str]): The predictors.
        repeats (int): Rounds.
        folder (Path): Where configs, logs and results go.
        warm_up (Path): An image that is predicted before.

    Returns:
        dict[str, Any]: Figures of each predictor.
    """
    config = Config.fromfile(args.config)
    files = {}
    for is_stock in (True, False):
        files[is_stock] = folder / f'{"stock" if is_stock else "ours"}.py'
        plain_config(config, is_stock, args.score_thr).dump(files[is_stock])
    sides = [
        PredictorProcess(
            [sys.executable, program, '--serve'],
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
