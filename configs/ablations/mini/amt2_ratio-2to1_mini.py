# Two contrastive steps to one detection step; as many detection steps as
# AMT2 takes.
_base_ = '../../mini/amt2_mini.py'

train_cfg = dict(schedule=('moco', 'moco', 'det'))
