# Three tenths of the learning rate for contrast, in an optimizer of its own:
# compare with amt2_two-optimizers_mini.py. There a weight of the loss would
# not do it: AdamW takes out any factor.
_base_ = './amt2_two-optimizers_mini.py'

optim_wrapper = dict(
    moco=dict(optimizer=dict(lr=0.3 * _base_.optim_wrapper.moco.optimizer.lr))
)
