# Cells of LIVECell alone. It has too few images for the usual queue, so this
# is amt2_queue-1024.py with one source: compare with that.
_base_ = './amt2_queue-1024.py'

train_dataloader = dict(
    moco=dict(dataset=dict(sources=[_base_.cell_catalogue.livecell]))
)
