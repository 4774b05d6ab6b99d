# Fine-tuning on LIVECell: what all arms and shares of labels have in common.
_base_ = [
    './models/livecell_cascade-mask-rcnn_r50_fpn.py',
    './datasets/livecell_instance.py',
    './schedules/finetune_10k.py',
    './iter_runtime.py',
]
