# The same with BBBC038's own training images, without labels.
_base_ = './amt2_tuned-fpn_mini.py'

train_dataloader = dict(
    moco=dict(dataset=dict(sources=_base_.in_domain_sources))
)
