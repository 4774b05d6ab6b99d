# COCO AP nine times during AMT2; the weights are those of amt2.py.
_base_ = ['../amt2.py', '../_base_/datasets/coco_val.py']

train_cfg = dict(val_interval=10000)
