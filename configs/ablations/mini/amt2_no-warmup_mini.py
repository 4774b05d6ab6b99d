# From random weights: no detection training before the alternation.
_base_ = '../../mini/amt2_mini.py'

load_from = None
