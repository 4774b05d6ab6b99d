# Detection before contrast in every iteration.
_base_ = '../../mini/amt2_mini.py'

train_cfg = dict(schedule=('det', 'moco'))
