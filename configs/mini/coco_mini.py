# Baseline: as many more detection steps as AMT2 takes, and no contrast.
_base_ = './amt2_mini.py'

train_cfg = dict(schedule=('det',))
train_dataloader = dict(moco=None)
