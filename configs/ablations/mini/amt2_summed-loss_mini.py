# One optimizer step on the sum of both losses.
_base_ = '../../mini/amt2_mini.py'

train_cfg = dict(schedule=('moco+det',))
