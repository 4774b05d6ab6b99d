# Baseline: the same contrast, on BBBC038's own training images too.
_base_ = './amt2_tuned_in-domain_mini.py'

train_cfg = dict(schedule=('moco',))
train_dataloader = dict(det=None)
load_from = None
