# From random weights: no detection training before the alternation.
_base_ = '../amt2.py'

load_from = None
