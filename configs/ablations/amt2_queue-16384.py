# Four times the negatives. The default sources hold more images than that;
# QueueSizeHook warns where yours do not.
_base_ = '../amt2.py'

model = dict(moco=dict(queue=dict(length=16384)))
