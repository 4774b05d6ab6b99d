"""A detector and images for a machine that has no trained ones."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from cupre_mm.utils.demo_data import write_demo_data

# As many as an image of the demo data has cells, or a tile a few hundred.
_DETECTIONS = 100
_SEED = 0


def write_random_detector(config_file: str, out: Path) -> tuple[Path, Path]:
    """Write a detector with random weights that finds 100 things an image.

    It knows nothing, but what it does takes as long as in a trained one: each
    image gives its best 100 detections, whatever their scores.

    Args:
        config_file (str): Config of the detector.
        out (Path): Folder to write.

    Returns:
        tuple[Path, Path]: Config and weights.
    """
    config = Config.fromfile(config_file)
    config.model.test_cfg.rcnn.max_per_img = _DETECTIONS
    init_default_scope('mmdet')
    torch.manual_seed(_SEED)
    # mmengine would list how each of the weights was drawn.
    logging.disable(logging.INFO)
    try:
        model = MODELS.build(config.model)
        model.init_weights()
    finally:
        logging.disable(logging.NOTSET)
    paths = out / 'random.py', out / 'random.pth'
    config.dump(paths[0])
    torch.save(dict(state_dict=model.state_dict()), paths[1])
    return paths


def write_generated_images(out: Path) -> tuple[Path, Path]:
    """Write some generated cells, as those of the demo.

    Args:
        out (Path): Folder to write.

    Returns:
        tuple[Path, Path]: COCO json and the folder of its images.
    """
    write_demo_data(out / 'demo', seed=_SEED, size='tiny')
    cells = out / 'demo' / 'cells_labelled'
    return cells / 'annotations' / 'instances.json', cells / 'images'
