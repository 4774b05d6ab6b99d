# One optimizer step on the sum of both losses.
_base_ = '../amt2.py'

train_cfg = dict(schedule=('moco+det',))
