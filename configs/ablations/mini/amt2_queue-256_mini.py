# A third of the negatives.
_base_ = '../../mini/amt2_mini.py'

model = dict(moco=dict(queue=dict(length=256)))
