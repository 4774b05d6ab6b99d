# What every run shares: iterations instead of epochs, and the load report.
_base_ = 'mmdet::_base_/default_runtime.py'

default_hooks = dict(
    # The scores of a validation at the iteration that they belong to.
    logger=dict(interval=50, log_metric_by_epoch=False),
    checkpoint=dict(
        type='cupre_mm.WholeCheckpointHook',
        by_epoch=False,
        interval=1000,
        max_keep_ckpts=2,
    ),
    random_state=dict(type='cupre_mm.RandomStateHook'),
    # Saves and exits with code 75 on SIGTERM and Ctrl-C; for Slurm's
    # --signal=USR1@120 add 'SIGUSR1'.
    safe_stop=dict(
        type='cupre_mm.SafeStopHook', signals=['SIGTERM', 'SIGINT']
    ),
    invalid_loss=dict(type='cupre_mm.InvalidLossHook'),
    sync_statistics=dict(type='cupre_mm.SyncStatisticsHook'),
)
custom_hooks = [dict(type='cupre_mm.CheckpointReportHook')]
# Accuracies and similarities of one batch say little: means, as of losses.
log_processor = dict(
    by_epoch=False, mean_pattern='.*(loss|time|grad_norm|acc|moco/).*'
)
# mmdet's, which also draws the run-length codes of the cell models' masks.
visualizer = dict(type='cupre_mm.CellVisualizer')
