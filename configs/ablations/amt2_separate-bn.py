# Running statistics by domain: those of cells apart from those of COCO, which
# the detector keeps. The weights come out as amt2.py's, to the bit: in
# training each batch is normalised by its own statistics.
_base_ = '../amt2.py'

model = dict(moco=dict(batch_norm=dict(type='cupre_mm.TaskBatchNorm')))
