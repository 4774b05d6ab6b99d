# Detection alone on the COCO subset, for RTMDet-Ins.
_base_ = './amt2_rtmdet-ins_mini.py'

train_cfg = dict(max_iters=300, schedule=('det',))
train_dataloader = dict(moco=None)
load_from = None
