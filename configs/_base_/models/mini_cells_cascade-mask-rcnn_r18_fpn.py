# The mini detector for one class of cells.
_base_ = './mini_cascade-mask-rcnn_r18_fpn.py'

model = dict(
    # The crops of training need no padding. In a test it would be new to the
    # model, which finds cells in it: it is brighter than a dark ground.
    data_preprocessor=dict(pad_size_divisor=1),
    roi_head=dict(
        bbox_head=[
            dict(
                type='Shared2FCBBoxHead',
                in_channels=96,
                fc_out_channels=256,
                roi_feat_size=7,
                num_classes=1,
                reg_class_agnostic=True,
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder',
                    target_means=[0.0, 0.0, 0.0, 0.0],
                    target_stds=stds,
                ),
                loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
                loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
            )
            for stds in (
                [0.1, 0.1, 0.2, 0.2],
                [0.05, 0.05, 0.1, 0.1],
                [0.033, 0.033, 0.067, 0.067],
            )
        ],
        # mmdet's FCNMaskHead, and its weights. Its dense masks of 3,000 cells
        # take a gigabyte.
        mask_head=dict(type='cupre_mm.RLEMaskHead', num_classes=1),
    ),
    # Cells are cut by the image's edge all the time. The base model leaves
    # anchors that cross it out of RPN training, but not out of prediction.
    train_cfg=dict(rpn=dict(allowed_border=-1)),
)
