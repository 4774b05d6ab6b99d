# A log line every ten iterations, and one checkpoint, of the last.
_base_ = './iter_runtime.py'

default_hooks = dict(
    logger=dict(interval=10), checkpoint=dict(interval=100000)
)
log_processor = dict(window_size=10)
