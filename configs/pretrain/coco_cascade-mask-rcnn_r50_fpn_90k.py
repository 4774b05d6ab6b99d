# Baseline: detection alone, for as many detection steps as AMT2.
_base_ = '../amt2.py'

train_cfg = dict(schedule=('det',))
train_dataloader = dict(moco=None)
