# Batch norm as in mmdet's base model: stem and layer1 frozen, the rest in
# evaluation mode. Starts from the statistics of warmup_mini.
_base_ = '../../mini/amt2_mini.py'

model = dict(backbone=dict(frozen_stages=1, norm_eval=True))
