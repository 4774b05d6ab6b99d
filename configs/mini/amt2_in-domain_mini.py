# The unlabelled pool also holds BBBC038's own training images.
_base_ = './amt2_mini.py'

train_dataloader = dict(
    moco=dict(dataset=dict(sources=_base_.in_domain_sources))
)
