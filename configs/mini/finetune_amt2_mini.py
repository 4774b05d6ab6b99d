# AMT2 pre-training at mini scale, then 5 % of BBBC038's training images.
_base_ = './finetune_scratch_mini.py'

load_from = 'work_dirs/mini/amt2_mini/iter_180.pth'
