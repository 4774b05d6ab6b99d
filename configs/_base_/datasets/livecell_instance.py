# LIVECell: fine-tuning on shares of its training part, its own validation
# and test parts. Scales and batch size are our choice.
#
# An image has up to 3,000 cells and more. Peak memory of a process that takes
# one step of the model of this folder with 3,000 cells on 520 x 704 px, on the
# CPU, batch of 1, its libraries included:
#
#                                       this folder      mmdet's parts
#   training, whole image                 3.0 GiB            15.7 GiB
#   test, 3,000 detections                2.0 GiB            11.3 GiB
#
# Losses, norms of gradients and detections are equal to the bit. What bounds
# the memory, in this file and in ../models/cells_cascade-mask-rcnn_r50_fpn.py:
#   - cupre_mm.ChunkedMaxIoUAssigner, chunk_size: cells compared with all
#     anchors at a time, 0.4 GiB for 64 of them instead of 9.2 GiB for all;
#   - cupre_mm.LoadCellAnnotations: masks as crops instead of bitmaps of the
#     image, which are 1.1 GB and go from a loader's worker to the training;
#   - cupre_mm.RLEMaskHead, target_chunk_size: positive RoIs whose masks are
#     cut at a time;
#   - cupre_mm.ChunkedCascadeRoIHead, chunk_size: RoIs whose features a test
#     step holds at a time.
# To measure another setting: tools/analysis/benchmark_dense.py --config.
_base_ = './bbbc038_instance.py'

data_root = '{{$CUPRE_DATA:data}}/livecell/'

train_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='cupre_mm.LoadCellAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomChoiceResize',
        # LIVECell's own recipe has short edges from 440 to 620 px.
        scales=[(1333, edge) for edge in (440, 480, 520, 560, 580, 620)],
        keep_ratio=True,
    ),
    dict(
        type='RandomCrop',
        crop_size=(512, 512),
        crop_type='absolute',
        allow_negative_crop=True,
    ),
    dict(
        type='RandomFlip',
        prob=[0.25, 0.25, 0.25],
        direction=['horizontal', 'vertical', 'diagonal'],
    ),
    dict(type='PackDetInputs', meta_keys=_base_.meta_keys),
]
test_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='Resize', scale=(1333, 520), keep_ratio=True),
    dict(type='cupre_mm.LoadCellAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='PackDetInputs',
        meta_keys=(
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
        ),
    ),
]
train_dataloader = dict(
    dataset=dict(
        type='cupre_mm.LIVECellDataset',
        data_root=data_root,
        ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/'
        '{{$CUPRE_TRAIN_SPLIT:train_100}}.json',
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='cupre_mm.LIVECellDataset',
        data_root=data_root,
        ann_file='annotations/livecell_coco_val.json',
        pipeline=test_pipeline,
    )
)
# LIVECell's official evaluation: class-agnostic, at most 2,000 detections an
# image. preset=None, max_dets=3000 counts more, and by_cell_type per class.
val_evaluator = dict(
    ann_file=data_root + 'annotations/livecell_coco_val.json',
    preset='livecell',
    strata='cell_type',
)
test_dataloader = dict(
    dataset=dict(
        type='cupre_mm.LIVECellDataset',
        data_root=data_root,
        ann_file='annotations/livecell_coco_test.json',
        pipeline=test_pipeline,
    )
)
test_evaluator = dict(
    ann_file=data_root + 'annotations/livecell_coco_test.json',
    preset='livecell',
    strata='cell_type',
)
