"""Says what of a loaded checkpoint reached the model."""

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner

from cupre_mm.registry import HOOKS
from cupre_mm.utils.checkpoint import state_dict_of
from cupre_mm.utils.load_report import compare_weights


@HOOKS.register_module()
class CheckpointReportHook(Hook):
    """Logs loaded, missing and unexpected weights of ``load_from``.

    mmengine goes on with random weights when nothing matches. This hook
    stops the run when no weight of the backbone would be loaded.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the model.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint, before it is loaded.

        Raises:
            BadCheckpointError: If no backbone weight matches.
        """
        model = runner.model
        # Wrapped for distributed training or for test-time augmentation.
        while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
            model = model.module
        report = compare_weights(model, state_dict_of(checkpoint))
        source = str(runner._load_from or 'The checkpoint')
        print_log(f'{source}: weights by name\n{report}', logger='current')
        report.check_backbone(source)
