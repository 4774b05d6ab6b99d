# The same with a third of the fine-tuning, at 5 % of the labels: what a
# pre-training is worth before fine-tuning has caught up. Its pre-training is
# that of fewshot_bbbc038_mini.py to the bit, and may be linked from there.
_base_ = './fewshot_bbbc038_mini.py'

benchmark = dict(
    title='BBBC038, mini scale, short fine-tuning',
    fractions=(5,),
    seeds=(0, 1, 2),
    iterations=100,
)
