# Statistics by domain, and scale and shift as well: all of batch norm is the
# task's own, and only this part of the encoder is not shared.
_base_ = './amt2_separate-bn_mini.py'

model = dict(moco=dict(batch_norm=dict(affine=True)))
