# Two contrastive steps to one detection step; as many detection steps as
# AMT2 takes.
_base_ = '../amt2.py'

train_cfg = dict(schedule=('moco', 'moco', 'det'))
