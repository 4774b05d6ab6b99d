# Cells of BCCD alone. It has too few images for the usual queue, so this is
# amt2_queue-64_mini.py with one source: compare with that.
_base_ = './amt2_queue-64_mini.py'

train_dataloader = dict(
    moco=dict(dataset=dict(sources=[_base_.cell_catalogue.bccd]))
)
