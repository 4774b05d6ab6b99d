# The same with five times the fine-tuning, at 5 % of the labels: more than
# half of the crops that Cellpose takes by its recipe. Its pre-training is that
# of fewshot_bbbc038_mini.py to the bit, and may be linked from there.
_base_ = './fewshot_bbbc038_mini.py'

benchmark = dict(
    title='BBBC038, mini scale, long fine-tuning',
    fractions=(5,),
    seeds=(0,),
    iterations=1500,
)
