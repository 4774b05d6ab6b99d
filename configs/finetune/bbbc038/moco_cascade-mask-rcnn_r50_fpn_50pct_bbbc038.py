# MoCo pre-training on cells, then 50 % of BBBC038's training images.
_base_ = '../../_base_/finetune_bbbc038.py'

load_from = 'work_dirs/moco_cascade-mask-rcnn_r50_fpn_90k/iter_90000.pth'
train_dataloader = dict(
    dataset=dict(
        ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/'
        '{{$CUPRE_TRAIN_SPLIT:train_50}}.json'
    )
)
