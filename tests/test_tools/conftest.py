"""A real run at its smallest size, for the tests of train.py and test.py."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'

CONFIG = """
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'
default_scope = 'mmdet'
experiment_name = '{name}'
num_workers = 0
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=True),
    dict(type='PackDetInputs', meta_keys=(
        'img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
dataset = dict(
    type='CocoDataset',
    data_root='{data}',
    ann_file='instances.json',
    data_prefix=dict(img='images/'),
    metainfo=dict(classes=('cell',)),
    pipeline=pipeline)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler'),
    dataset=dataset)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(test_mode=True, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(
    type='cupre_mm.CellMetric',
    ann_file='{data}/instances.json',
    metric=['bbox', 'segm'])
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
auto_scale_lr = dict(enable=False, base_batch_size=8)
default_hooks = dict(
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=2,
        save_best='coco/bbox_mAP'),
    visualization=dict(type='DetVisualizationHook'))
log_processor = dict(by_epoch=False)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='DetLocalVisualizer', vis_backends=vis_backends, name='{name}')
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=8),
    rpn_head=dict(
        in_channels=8,
        feat_channels=8,
        anchor_generator=dict(scales=[4])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=8),
        bbox_head=dict(in_channels=8, fc_out_channels=16, num_classes=1),
        mask_roi_extractor=dict(out_channels=8),
        mask_head=dict(
            num_convs=1, in_channels=8, conv_out_channels=8, num_classes=1)),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=50, max_per_img=20),
        rcnn=dict(sampler=dict(num=16))),
    test_cfg=dict(
        rpn=dict(nms_pre=50, max_per_img=20),
        rcnn=dict(score_thr=0.0, max_per_img=5)))
"""


def write_data(folder: Path, num_images: int = 3) -> None:
    """Write images of a few bright squares, in COCO's format."""
    (folder / 'images').mkdir(parents=True)
    images, annotations = [], []
    for image_id in range(1, num_images + 1):
        name = f'{image_id}.png'
        image = np.full((64, 64, 3), 30, np.uint8)
        images.append(
            {'id': image_id, 'height': 64, 'width': 64, 'file_name': name}
        )
        for x, y in ((5, 8), (35, 12 + image_id), (20, 40)):
            image[y : y + 14, x : x + 14] = 200
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': 1,
                    'bbox': [x, y, 14, 14],
                    'area': 196,
                    'iscrowd': 0,
                    'segmentation': [
                        [x, y, x + 14, y, x + 14, y + 14, x, y + 14]
                    ],
                }
            )
        assert cv2.imwrite(str(folder / 'images' / name), image)
    (folder / 'instances.json').write_text(
        json.dumps(
            {
                'images': images,
                'annotations': annotations,
                'categories': [{'id': 1, 'name': 'cell'}],
            }
        )
    )


@pytest.fixture
def tiny_config(tmp_path: Path) -> Path:
    """Config of a very small Mask R-CNN on three images of 64 pixels."""
    data = tmp_path / 'data'
    write_data(data)
    path = tmp_path / 'tiny.py'
    text = CONFIG.replace('{data}', data.as_posix())
    path.write_text(text.replace('{name}', tmp_path.name))
    return path


@pytest.fixture
def load_tool() -> Callable[[str], ModuleType]:
    """Import a script of tools/ by its name."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(
            f'tools_{name}', TOOLS / f'{name}.py'
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
