# Fine-tuning on BBBC038: what all arms and shares of labels have in common.
_base_ = [
    './models/bbbc038_cascade-mask-rcnn_r50_fpn.py',
    './datasets/bbbc038_instance.py',
    './schedules/finetune_10k.py',
    './iter_runtime.py',
]
