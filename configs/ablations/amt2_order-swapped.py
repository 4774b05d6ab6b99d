# Detection before contrast in every iteration.
_base_ = '../amt2.py'

train_cfg = dict(schedule=('det', 'moco'))
