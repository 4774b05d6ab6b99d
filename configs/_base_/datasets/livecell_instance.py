# LIVECell: fine-tuning on shares of its training part, its own validation
# and test parts. Scales and batch size are our choice.
#
# An image has up to 3,000 cells and more. Peak memory of one step of the model
# of this folder with 3,000 cells on 520 x 704 px, on the CPU, batch of 1:
#
#   training, whole image            14.7 GiB (11.5 with polygons, see below)
#   training, crop of 512 px, ours    8.1 GiB (6.5), 2,200 cells in it
#   training, crop of 352 px          3.2 GiB (2.6), 1,080 cells in it
#   test, 3,000 detections           10.3 GiB
#   test, 1,000 detections            5.0 GiB
#
# In training most of it is the IoU of all cells with all 91,000 anchors, in
# test the features of 3,000 masks. To need less:
#   - a smaller crop_size below, the surest way: cells and anchors both shrink;
#   - poly2mask=False in LoadAnnotations, for json files with polygons such as
#     LIVECell's own: 3,000 bitmaps are 1.1 GB. With RLE masks, which our other
#     converters write, mmdet would ignore every instance without a word;
#   - on GPUs model.train_cfg.rpn.assigner.gpu_assign_thr=1000, which compares
#     denser images with the anchors in the CPU's memory;
#   - model.test_cfg.rcnn.max_per_img=1000, where images hold fewer cells.
_base_ = './bbbc038_instance.py'

data_root = '{{$CUPRE_DATA:data}}/livecell/'

train_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomChoiceResize',
        # LIVECell's own recipe has short edges from 440 to 620 px.
        scales=[(1333, edge) for edge in (440, 480, 520, 560, 580, 620)],
        keep_ratio=True,
    ),
    # Bounds the memory of dense images, see above.
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
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
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
