# Baseline: contrast on cells alone, from random weights.
_base_ = '../amt2.py'

train_cfg = dict(schedule=('moco',))
train_dataloader = dict(det=None)
load_from = None
