"""Makes the segmenter of a command line."""

from __future__ import annotations

import torch
from mmengine.config import Config

from cupre_mm.apis.cell_segmenter import CellSegmenter
from cupre_mm.apis.segmentation_options import SegmentationOptions


def load_segmenter(
    config: Config,
    checkpoint: str,
    device: str | None,
    options: SegmentationOptions,
) -> CellSegmenter:
    """Load a segmenter that gives the same cells in each run on a machine.

    Args:
        config (Config): Config of the detector.
        checkpoint (str): The trained weights, a file or a URL.
        device (str, optional): None for an accelerator where there is one.
        options (SegmentationOptions): What is wanted of it.

    Returns:
        CellSegmenter: See there, also for what it raises.
    """
    # The fastest kernels of cuDNN differ from run to run.
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    return CellSegmenter(config, checkpoint, device, options)
