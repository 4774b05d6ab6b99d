"""The two stock models that an AMT2 model joins, for comparisons."""

from collections.abc import Mapping

from mmengine.config import ConfigDict
from torch import Tensor

from cupre_mm.utils.errors import BadConfigError

WeightDict = dict[str, Tensor]


def stock_detector(model: ConfigDict) -> ConfigDict:
    """Take the contrastive branch out of an AMT2 model.

    Args:
        model (ConfigDict): Config of an AMT2 model.

    Returns:
        ConfigDict: Config of mmdet's detector.
    """
    stock = ConfigDict(model.to_dict())
    stock.pop('moco')
    stock.type = stock.type.replace('cupre_mm.AMT2', 'mmdet.')
    stock.data_preprocessor = stock.data_preprocessor.det
    return stock


def stock_moco(model: ConfigDict) -> ConfigDict:
    """Make mmpretrain's MoCo of an AMT2 model's backbone and branch.

    Args:
        model (ConfigDict): Config of an AMT2 model.

    Returns:
        ConfigDict: Config of ``mmpretrain.MoCo``.

    Raises:
        BadConfigError: If the branch does not contrast the last stage alone,
            which is all that stock MoCo can.
    """
    amt2 = ConfigDict(model.to_dict())
    stages = tuple(amt2.moco.neck.get('stages', (-1,)))
    if stages != (-1,):
        raise BadConfigError(
            f'model.moco.neck.stages={stages} has no counterpart: stock MoCo '
            'contrasts the last stage alone. Set stages=(-1,)'
        )
    backbone = amt2.backbone
    backbone.type = f'mmdet.{backbone.type.rpartition(".")[2]}'
    # Stock necks take one feature map.
    backbone.out_indices = (max(backbone.out_indices),)
    return ConfigDict(
        type='mmpretrain.MoCo',
        data_preprocessor=amt2.data_preprocessor.moco,
        backbone=backbone,
        neck=amt2.moco.neck.projector,
        head=dict(
            type='mmpretrain.ContrastiveHead',
            loss=dict(type='mmpretrain.CrossEntropyLoss'),
            temperature=amt2.moco.loss.temperature,
        ),
        queue_len=amt2.moco.queue.length,
        feat_dim=amt2.moco.queue.dim,
        momentum=amt2.moco.momentum,
    )


def stock_detector_weights(weights: Mapping[str, Tensor]) -> WeightDict:
    """Choose the weights of :func:`stock_detector`'s model.

    Args:
        weights (Mapping[str, Tensor]): State dict of an AMT2 model.

    Returns:
        dict[str, Tensor]: All of the detector's.
    """
    return {k: v for k, v in weights.items() if not k.startswith('moco.')}


def stock_moco_weights(weights: Mapping[str, Tensor]) -> WeightDict:
    """Choose and rename the weights of :func:`stock_moco`'s model.

    Args:
        weights (Mapping[str, Tensor]): State dict of an AMT2 model.

    Returns:
        dict[str, Tensor]: All of stock MoCo's.
    """
    names = {
        'backbone.': 'backbone.',
        'moco.neck.projector.': 'neck.',
        'moco.encoder_k.module.0.': 'encoder_k.module.0.',
        'moco.encoder_k.module.1.projector.': 'encoder_k.module.1.',
        'moco.encoder_k.steps': 'encoder_k.steps',
        # And 'queue_ptr'.
        'moco.queue.queue': 'queue',
    }
    return {
        new + key.removeprefix(old): value
        for key, value in weights.items()
        for old, new in names.items()
        if key.startswith(old)
    }
