"""Writes the plain detector when pre-training ends."""

import logging
from pathlib import Path

from mmengine.dist import master_only
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from cupre_mm.registry import HOOKS
from cupre_mm.utils.detector_export import export_detector


@HOOKS.register_module()
class ExportDetectorHook(Hook):
    """Exports the last checkpoint as a file for stock mmdet detectors.

    A model card lies beside it, see
    :func:`~cupre_mm.utils.detector_export.export_detector`.

    Args:
        filename (str): Name of the file in the work dir; digits of its
            sha256 are added. Defaults to 'detector.pth'.
    """

    # After CheckpointHook (VERY_LOW), which writes what is exported here.
    priority = 'LOWEST'

    def __init__(self, filename: str = 'detector.pth') -> None:
        self.filename = filename

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Export what CheckpointHook wrote last.

        Args:
            runner (Runner): The runner.
        """
        # Not the work dir's last_checkpoint, which an earlier run may have
        # left there.
        latest = next(
            (
                hook.last_ckpt
                for hook in runner.hooks
                if isinstance(hook, CheckpointHook)
            ),
            None,
        )
        if latest is None:
            print_log(
                'No detector was exported: this run wrote no checkpoint. Set '
                'default_hooks.checkpoint.interval to write one, or export '
                'an older one with tools/export_detector.py.',
                logger='current',
                level=logging.WARNING,
            )
            return
        written = export_detector(
            latest, Path(runner.work_dir) / self.filename
        )
        print_log(f'Exported the detector to {written}', logger='current')
