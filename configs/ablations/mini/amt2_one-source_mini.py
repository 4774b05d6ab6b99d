# Cells of BCCD alone. It has fewer images than the usual queue
# has keys, so this is amt2_queue-256_mini.py with one source: compare
# with that.
_base_ = './amt2_queue-256_mini.py'

train_dataloader = dict(
    moco=dict(dataset=dict(sources=[_base_.cell_catalogue.bccd]))
)
