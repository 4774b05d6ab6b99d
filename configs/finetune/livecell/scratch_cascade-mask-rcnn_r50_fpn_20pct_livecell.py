# Random weights, then 20 % of LIVECell's training images.
_base_ = '../../_base_/finetune_livecell.py'

load_from = None
train_dataloader = dict(
    dataset=dict(
        ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/'
        '{{$CUPRE_TRAIN_SPLIT:train_20}}.json'
    )
)
