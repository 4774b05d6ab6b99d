# A twelfth of the negatives: the keys of two batches.
_base_ = '../../mini/amt2_mini.py'

model = dict(moco=dict(queue=dict(length=64)))
