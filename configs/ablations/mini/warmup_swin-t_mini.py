# Detection alone on the COCO subset, for the Swin backbone.
_base_ = './amt2_swin-t_mini.py'

train_cfg = dict(max_iters=300, schedule=('det',))
train_dataloader = dict(moco=None)
load_from = None
