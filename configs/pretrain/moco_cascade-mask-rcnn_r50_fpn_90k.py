# Baseline: contrast on cells alone, from random weights.
_base_ = '../amt2.py'

train_cfg = dict(schedule=('moco',))
train_dataloader = dict(det=None)
load_from = None
# Without detection the contrastive batch counts: 8 processes of 32.
auto_scale_lr = dict(base_batch_size=256)
