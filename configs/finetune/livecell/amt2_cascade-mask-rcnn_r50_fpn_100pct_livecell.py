# AMT2 pre-training, then 100 % of LIVECell's training images.
_base_ = '../../_base_/finetune_livecell.py'

load_from = 'work_dirs/amt2/iter_90000.pth'
train_dataloader = dict(
    dataset=dict(
        ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/'
        '{{$CUPRE_TRAIN_SPLIT:train_100}}.json'
    )
)
