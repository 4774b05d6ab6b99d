# A quarter of the negatives.
_base_ = '../amt2.py'

model = dict(moco=dict(queue=dict(length=1024)))
