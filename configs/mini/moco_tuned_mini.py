# Baseline: contrast on the benchmark's views of cells, from random weights.
_base_ = './amt2_tuned_mini.py'

train_cfg = dict(schedule=('moco',))
train_dataloader = dict(det=None)
load_from = None
