# Random weights, then 50 % of BBBC038's training images.
_base_ = '../../_base_/finetune_bbbc038.py'

load_from = None
train_dataloader = dict(
    dataset=dict(
        ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/'
        '{{$CUPRE_TRAIN_SPLIT:train_50}}.json'
    )
)
