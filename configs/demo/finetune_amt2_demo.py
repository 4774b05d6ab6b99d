# AMT2 pre-training on the demo data, then 5 % of the labelled cells.
_base_ = './finetune_scratch_demo.py'

load_from = 'work_dirs/demo/amt2_demo/iter_80.pth'
