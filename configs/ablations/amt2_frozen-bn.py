# Batch norm as in mmdet's base model: stem and layer1 frozen, the rest in
# evaluation mode.
_base_ = '../amt2.py'

model = dict(backbone=dict(frozen_stages=1, norm_eval=True))
