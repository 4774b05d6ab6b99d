"""Takes one step of a detector on one image and measures it."""

import sys
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from mmcv.transforms import Compose
from mmdet.utils import register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS, TRANSFORMS

from cupre_mm.utils.measured_process import memory_mib

# What mmdet has in place of our parts, and their arguments that it lacks.
_STOCK = {
    'cupre_mm.ChunkedMaxIoUAssigner': 'MaxIoUAssigner',
    'cupre_mm.ChunkedCascadeRoIHead': 'CascadeRoIHead',
    'cupre_mm.ChunkedStandardRoIHead': 'StandardRoIHead',
}


def with_stock_parts(config: Any) -> Any:
    """Replace chunked parts by those of mmdet.

    Args:
        config (Any): Config of a model, or a part of one.

    Returns:
        Any: A copy of it.
    """
    if isinstance(config, list | tuple):
        return type(config)(map(with_stock_parts, config))
    if not isinstance(config, dict):
        return deepcopy(config)
    stock = ConfigDict(
        {name: with_stock_parts(value) for name, value in config.items()}
    )
    if stock.get('type') in _STOCK:
        stock.type = _STOCK[stock.type]
        stock.pop('chunk_size', None)
    if stock.get('type') == 'cupre_mm.RLEMaskHead':
        # All at once.
        stock.target_chunk_size = sys.maxsize
    return stock


def measured_step(
    config: str,
    image: dict[str, Any],
    step: str,
    chunked: bool,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take one step in this process.

    Args:
        config (str): Config of a detector.
        image (dict[str, Any]): What a pipeline has after loading the image.
        step (str): A key of ``STEPS``.
        chunked (bool): Whether the chunked parts are taken, not mmdet's.
        seed (int): Of the weights and of the step.

    Returns:
        tuple[dict, dict]: ``loading_seconds`` and ``step_seconds`` of the
        processor; ``peak_mib`` of the whole process; ``before_mib``, its
        part before the annotations were loaded; ``threads``. And what came
        of the step, by name: tensors, and ``masks`` as a list of codes.
    """
    register_all_modules(init_default_scope=True)
    model_config = Config.fromfile(config).model
    if not chunked:
        model_config = with_stock_parts(model_config)
    # All that is found counts: the weights are random and sure of nothing.
    model_config.test_cfg.rcnn.update(
        score_thr=0.0, max_per_img=len(image['instances'])
    )
    model_config.test_cfg.rcnn.nms.iou_threshold = 1.0
    torch.manual_seed(seed)
    model = MODELS.build(model_config)
    loader = 'cupre_mm.LoadCellAnnotations' if chunked else 'LoadAnnotations'
    keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
    pipeline = Compose(
        [
            TRANSFORMS.build(one)
            for one in (
                dict(type=loader, with_bbox=True, with_mask=True),
                dict(type='PackDetInputs', meta_keys=keys),
            )
        ]
    )
    before = memory_mib()['VmHWM']
    # Of this process and its threads: other work on the machine counts less
    # than in the time of a clock.
    start = time.process_time()
    sample = pipeline(image)
    loaded = time.process_time()
    batch = {name: [value] for name, value in sample.items()}
    torch.manual_seed(seed)
    result = STEPS[step](model, batch)
    figures = dict(
        loading_seconds=loaded - start,
        step_seconds=time.process_time() - loaded,
        # Linux counts pages in batches: a peak may read a little lower later.
        peak_mib=max(before, memory_mib()['VmHWM']),
        before_mib=before,
        threads=torch.get_num_threads(),
    )
    return figures, result


def _train(model: torch.nn.Module, batch: dict) -> dict[str, Any]:
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    loss, values = model.parse_losses(losses)
    loss.backward()
    gradients = [
        parameter.grad.norm()
        for parameter in model.parameters()
        if parameter.grad is not None
    ]
    optimizer.step()
    values = {name: value.detach() for name, value in values.items()}
    return dict(values, gradients=torch.stack(gradients))


def _test(model: torch.nn.Module, batch: dict) -> dict[str, Any]:
    model.eval()
    with torch.no_grad():
        found = model.test_step(batch)[0].pred_instances
    result = {name: found[name] for name in ('bboxes', 'scores', 'labels')}
    return dict(result, masks=found.masks)


STEPS: dict[str, Callable] = {'train': _train, 'test': _test}
