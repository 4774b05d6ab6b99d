"""Train what a fine-tuning's config says, and score what came of it."""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import utils as device_utils
from mmengine.runner import Runner

from cupre_mm.utils.cli import (
    add_load_report,
    build_runner,
    check_checkpoints,
    load_config,
)
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.evaluation_config import set_detector_limit
from cupre_mm.utils.own_labels.config_text import MONITOR
from cupre_mm.utils.own_labels.preparation import CONFIG, choose_device
from cupre_mm.utils.own_labels.score_threshold import (
    choose_score_threshold,
    use_threshold,
)
from cupre_mm.utils.resume_point import set_resume

MODEL, RESULT = 'model.pth', 'result.json'
_SCORES = {
    'AP_segm': 'coco/segm_mAP',
    'AP50_segm': 'coco/segm_mAP_50',
    'AP_bbox': 'coco/bbox_mAP',
    'F1 at IoU 0.5': 'coco/cells_f1_50',
    'F1 at IoU 0.75': 'coco/cells_f1_75',
}


def train(out: Path, device: str = 'auto', resume: bool = False) -> dict:
    """Train what the config says, and score the best checkpoint.

    Args:
        out (Path): Folder with ``config.py`` and ``data``.
        device (str): See :func:`choose_device`. Defaults to ``'auto'``.
        resume (bool): Whether to go on from the last checkpoint. Defaults to
            False.

    Returns:
        dict: What ``result.json`` holds: scores, iteration and files.

    Raises:
        MissingDataError: If there is no config.
    """
    path = out / CONFIG
    if not path.is_file():
        raise MissingDataError(
            f'{path} does not exist, so there is nothing to resume: run the '
            'command without --resume'
        )
    if resume and (out / RESULT).is_file() and (out / MODEL).is_file():
        return {**json.loads((out / RESULT).read_text()), 'was_done': True}
    if choose_device(device) == 'cpu':
        # Found out at import, it is what the runner moves the model to.
        device_utils.DEVICE = 'cpu'
    config = load_config(_arguments(path))
    set_resume(config, 'auto' if resume else None)
    check_checkpoints(config)
    add_load_report(config)
    set_detector_limit(config)
    runner = build_runner(config)
    runner.train()
    return _finish(runner, config, out)


def _finish(runner: Runner, config: Config, out: Path) -> dict:
    # Not the message hub's: one that a killed run saved just before a
    # validation does not know of the file that this validation wrote.
    found = sorted(
        Path(config.work_dir).glob('best_*.pth'),
        key=lambda file: file.stat().st_mtime_ns,
    )
    if not found:
        raise MissingDataError(
            f'no validation of this run gave {MONITOR}: {config.work_dir} '
            'holds no best checkpoint; see the log there'
        )
    best = found[-1]
    stopped = runner.iter
    runner.load_checkpoint(str(best), map_location='cpu')
    threshold = choose_score_threshold(runner)
    use_threshold(runner, threshold)
    metrics = runner.test()
    part = out / MODEL
    temporary = part.with_suffix('.pth.part')
    try:
        shutil.copyfile(best, temporary)
        os.replace(temporary, part)
    finally:
        temporary.unlink(missing_ok=True)
    result: dict[str, Any] = {
        'scores': {
            name: round(float(metrics[key]), 4)
            for name, key in _SCORES.items()
            if key in metrics
        },
        'score_thr': threshold,
        'scored_on': str(config.test_evaluator.ann_file),
        'scored_images': int(metrics.get('coco/num_images', 0)),
        'scored_cells': int(metrics.get('coco/num_instances', 0)),
        'chosen_on_same_part': config.test_evaluator.ann_file
        == config.val_evaluator.ann_file,
        'best_checkpoint': best.name,
        'iterations': stopped,
        'most_iterations': int(config.train_cfg.max_iters),
        'model': str(part),
        'config': str(out / CONFIG),
    }
    write_json(out / RESULT, result, indent=1)
    return result


def _arguments(path: Path) -> argparse.Namespace:
    return argparse.Namespace(
        config=str(path),
        local_rank=0,
        launcher='none',
        cfg_options=None,
        work_dir=None,
    )
