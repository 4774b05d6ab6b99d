# What every run shares: iterations instead of epochs, and the load report.
_base_ = 'mmdet::_base_/default_runtime.py'

default_hooks = dict(
    logger=dict(interval=50),
    checkpoint=dict(by_epoch=False, interval=1000, max_keep_ckpts=2),
)
custom_hooks = [dict(type='cupre_mm.CheckpointReportHook')]
log_processor = dict(by_epoch=False)
# mmdet's, which also draws the run-length codes of the cell models' masks.
visualizer = dict(type='cupre_mm.CellVisualizer')
