# Detection alone on the generated natural images.
_base_ = './amt2_demo.py'

train_cfg = dict(schedule=('det',))
train_dataloader = dict(moco=None)
load_from = None
