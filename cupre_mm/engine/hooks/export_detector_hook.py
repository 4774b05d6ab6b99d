"""Writes the plain detector when pre-training ends."""

import logging
from pathlib import Path

from mmengine.dist import master_only
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import print_log
from mmengine.runner import Runner, find_latest_checkpoint

from cupre_mm.registry import HOOKS
from cupre_mm.utils.detector_export import export_detector


@HOOKS.register_module()
class ExportDetectorHook(Hook):
    """Exports the last checkpoint as a file for stock mmdet detectors.

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
        hooks = [h for h in runner.hooks if isinstance(h, CheckpointHook)]
        folder = Path(hooks[0].out_dir if hooks else runner.work_dir)
        latest = find_latest_checkpoint(str(folder))
        if latest is None:
            print_log(
                f'No detector was exported: {folder} has no checkpoint. Set '
                'default_hooks.checkpoint.interval to write one.',
                logger='current',
                level=logging.WARNING,
            )
            return
        written = export_detector(
            latest, Path(runner.work_dir) / self.filename
        )
        print_log(f'Exported the detector to {written}', logger='current')
