# Detection alone on the COCO subset: stands for the COCO checkpoint that
# the full-size run downloads.
_base_ = './amt2_mini.py'

train_cfg = dict(max_iters=300, schedule=('det',))
train_dataloader = dict(moco=None)
load_from = None
