"""Files that hold all it takes to compute an invalid loss again."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseAveragedModel
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor, nn

from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from cupre_mm.utils.random_states import set_random_states
from cupre_mm.utils.safe_load import weights_only
from cupre_mm.utils.whole_file import write_whole_file

_FORMAT = 'cupre_mm invalid loss 1'


def write_dump(
    path: Path,
    model: nn.Module,
    model_config: Mapping | None,
    step: Mapping[str, Any],
) -> None:
    """Write the dump of one training step.

    Args:
        path (Path): The file; it is there whole or not at all.
        model (nn.Module): The model, without a distributed wrapper. Its
            optimizer has not stepped, and its buffers are those from before
            the forward pass; moving averages of weights have been updated.
        model_config (Mapping, optional): Config that builds the model.
        step (Mapping): 'random', the states of the generators before the
            forward pass; 'args' and 'kwargs' of the model, after the data
            preprocessor; 'losses'; 'precision' of autocast or None; and
            whatever else tells where the step was.
    """
    if model_config is not None:
        model_config = ConfigDict(model_config).to_dict()
    content = io.BytesIO()
    torch.save(
        dict(
            step,
            format=_FORMAT,
            device=next(model.parameters()).device.type,
            model=model.state_dict(),
            model_config=model_config,
        ),
        content,
    )
    write_whole_file(path, content.getvalue())


def read_dump(path: str | Path, device: str = 'cpu') -> dict[str, Any]:
    """Read a dump, without running code that a stranger put into it.

    Args:
        path (str | Path): The file.
        device (str): Where its tensors go. Defaults to 'cpu'.

    Returns:
        dict: What :func:`write_dump` wrote.

    Raises:
        MissingDataError: If the file does not exist.
        BadDataError: If it is no such dump.
        BadCheckpointError: If it holds types that a batch of images does
            not.
    """
    if not Path(path).is_file():
        raise MissingDataError(f'the dump {path} does not exist')
    try:
        with weights_only(str(path), _batch_types()):
            dump = torch.load(path, map_location=device)
    except (RuntimeError, EOFError, OSError) as error:
        raise BadDataError(
            f'{path} cannot be read as the dump of an invalid loss: {error}'
        ) from error
    if not isinstance(dump, dict) or dump.get('format') != _FORMAT:
        raise BadDataError(
            f'{path} is not the dump of an invalid loss: give an '
            'invalid_loss_*.pth that cupre_mm.InvalidLossHook wrote'
        )
    return dump


def replay_dump(
    path: str | Path,
    model: nn.Module | None = None,
    device: str | None = None,
) -> dict[str, Tensor]:
    """Compute the losses of a dumped step again.

    Weights, inputs, random numbers and precision are those of the step, so
    the losses are too, on the same kind of device.

    Args:
        path (str | Path): The dump.
        model (nn.Module, optional): The model, whose weights are replaced.
            Defaults to None: built from the config in the dump.
        device (str, optional): Where to compute. Defaults to None: where the
            run did, or on the CPU if this machine has no such device.

    Returns:
        dict[str, Tensor]: Losses by name, with gradients to follow back.

    Raises:
        BadConfigError: If there is neither a model nor its config.
    """
    dump = read_dump(path)
    if device is None:
        device = dump['device']
        if device == 'cuda' and not torch.cuda.is_available():
            device = 'cpu'
    dump = read_dump(path, device)
    if model is None:
        if dump['model_config'] is None:
            raise BadConfigError(
                f'{path} holds no config of the model, as its run was given '
                'a built one: pass it to replay_dump(path, model)'
            )
        init_default_scope('mmdet')
        model = MODELS.build(ConfigDict(dump['model_config']))
    model.to(device).load_state_dict(dump['model'])
    for module in model.modules():
        if isinstance(module, BaseAveragedModel):
            # The averages in the dump have been updated already.
            module.update_parameters = lambda source: None
    model.train()
    set_random_states(dump['random'])
    precision = dump['precision']
    with torch.autocast(
        device,
        dtype=getattr(torch, precision) if precision else None,
        enabled=precision is not None,
    ):
        output = model(*dump['args'], **dump['kwargs'])
    return {name: value for name, value in output.items() if 'loss' in name}


def _batch_types() -> list[type]:
    """Types that batches of mmdet and mmpretrain are made of."""
    from mmdet.structures import DetDataSample
    from mmdet.structures.bbox import HorizontalBoxes
    from mmdet.structures.mask import BitmapMasks, PolygonMasks
    from mmengine.structures import BaseDataElement, InstanceData, PixelData
    from mmpretrain.structures import DataSample

    from cupre_mm.utils.cropped_bitmap_masks import CroppedBitmapMasks

    return [
        BaseDataElement,
        BitmapMasks,
        CroppedBitmapMasks,
        DataSample,
        DetDataSample,
        HorizontalBoxes,
        InstanceData,
        PixelData,
        PolygonMasks,
        # Pickles make arrays without elements from it.
        bytes,
        # Data samples list their fields in one; torch 2.4 has to be told.
        set,
    ]
