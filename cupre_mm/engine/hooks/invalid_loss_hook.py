"""Ends a run whose loss is no number any more, and says how it came."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner

from cupre_mm.engine.step_watch import Step, StepWatch
from cupre_mm.registry import HOOKS
from cupre_mm.utils.errors import BadConfigError, InvalidLossError, UserError
from cupre_mm.utils.invalid_loss_dump import write_dump

_MOST_PATHS = 8


@HOOKS.register_module()
class InvalidLossHook(Hook):
    """Skips steps whose loss is NaN or infinite; many in a row end the run.

    A step with such a loss, of any task, or with such a gradient, changes
    neither weights nor optimizer state, batch norm statistics or queue; the
    log names the task, the iteration and the images. ``max_in_a_row``
    iterations of that kind in a row end the run, and the last step is
    written to ``invalid_loss_iter{N}_rank{R}.pth`` in the work dir;
    :func:`cupre_mm.utils.invalid_loss_dump.replay_dump`, or
    ``tools/analysis/replay_invalid_loss.py FILE``, computes it again.
    Distributed processes skip and stop together. Checkpoints with weights
    that are NaN or infinite are never written: the run ends instead, and the
    last good one stays.

    Under float16 an infinite gradient is how the loss scale is found, and
    counts only once the scale has fallen below 1.

    Args:
        max_in_a_row (int): Number of iterations in a row with an invalid
            step after which the run ends. Defaults to 5.
        dump (bool): Whether to write the file; it holds the weights, and the
            images as the model saw them. Defaults to True.

    Raises:
        BadConfigError: If ``max_in_a_row`` is not a whole number above 0.
    """

    # Before anything that saves or logs what an iteration gave.
    priority = 'VERY_HIGH'

    def __init__(self, max_in_a_row: int = 5, dump: bool = True) -> None:
        if not isinstance(max_in_a_row, int) or max_in_a_row < 1:
            raise BadConfigError(
                f'InvalidLossHook: max_in_a_row={max_in_a_row!r} must be a '
                'number of iterations, at least 1'
            )
        self.max_in_a_row = max_in_a_row
        self.dump = dump
        self._in_a_row = 0
        self._skipped = 0
        self._watch: StepWatch | None = None

    def before_train(self, runner: Runner) -> None:
        """Begin to watch model and optimizers.

        Args:
            runner (Runner): The runner.
        """
        self._in_a_row = self._skipped = 0
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapperDict):
            wrappers = list(wrapper.values())
        else:
            wrappers = [wrapper]
        self._watch = StepWatch(runner.model, wrappers)

    def after_train(self, runner: Runner) -> None:
        """Stop watching.

        Args:
            runner (Runner): The runner.
        """
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Count, report, and end the run after too many.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Number of the iteration.
            data_batch (Any, optional): Not used.
            outputs (dict, optional): Not used.

        Raises:
            InvalidLossError: After ``max_in_a_row`` iterations in a row, or
                when the weights are to be saved and are NaN or infinite.
        """
        if self._watch is None:
            return
        invalid = self._watch.take_invalid()
        if not invalid:
            self._in_a_row = 0
            if self._is_saved_now(runner):
                _check_weights(runner, _bare(runner.model).state_dict())
            return
        self._in_a_row += 1
        self._skipped += len(invalid)
        # A process that had no invalid value itself tells of one that had.
        own = [step for step in invalid if step.own]
        told = _of_first_process(
            '; '.join(_describe(step) for step in own) if own else None
        )
        where = f'Iteration {runner.iter + 1}: {told}.'
        if self._in_a_row < self.max_in_a_row:
            print_log(
                f'{where} The step was skipped, as {self._skipped} of this '
                f'run so far; {self.max_in_a_row} iterations in a row end '
                'it.',
                logger='current',
                level=logging.WARNING,
            )
            return
        dumped = _of_first_process(
            self._write(runner, own[-1]) if own and self.dump else None
        )
        self.after_train(runner)
        raise InvalidLossError(
            f'{where} That is {self._in_a_row} iterations in a row without a '
            'usable step: training has diverged, or the images are at fault. '
            f'{dumped or "No dump was written."} Look at these images, lower '
            'the learning rate or lengthen its warm-up, set '
            'optim_wrapper.clip_grad, or leave --amp out; then go on from the '
            'last checkpoint with --resume. '
            f'(InvalidLossHook.max_in_a_row={self.max_in_a_row})'
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse weights that are NaN or infinite, whoever saves.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint.

        Raises:
            InvalidLossError: If one is.
        """
        _check_weights(runner, checkpoint['state_dict'])

    def _is_saved_now(self, runner: Runner) -> bool:
        """Whether a checkpoint is due, which rank 0 alone would check."""
        return get_world_size() > 1 and any(
            self.every_n_train_iters(runner, hook.interval)
            or self.is_last_train_iter(runner)
            for hook in runner.hooks
            if isinstance(hook, CheckpointHook)
            and not hook.by_epoch
            and hook.interval > 0
        )

    def _write(self, runner: Runner, step: Step) -> str:
        name = f'invalid_loss_iter{runner.iter + 1}_rank{get_rank()}.pth'
        path = Path(runner.work_dir) / name
        config = runner.cfg.get('model')
        try:
            write_dump(
                path,
                _bare(runner.model),
                config if isinstance(config, Mapping) else None,
                dict(
                    iteration=runner.iter + 1,
                    task=step.task,
                    images=list(_paths_in(step.kwargs)),
                    losses={n: v.cpu() for n, v in step.losses.items()},
                    precision=step.precision,
                    random=step.random,
                    args=step.args,
                    kwargs=step.kwargs,
                ),
            )
        except (OSError, UserError) as error:
            return f'The dump could not be written ({error}).'
        return (
            f'{path} holds all of the step: python '
            f'tools/analysis/replay_invalid_loss.py {path}'
        )


def _bare(model: torch.nn.Module) -> torch.nn.Module:
    return model.module if is_model_wrapper(model) else model


def _of_first_process(text: str | None) -> str | None:
    if get_world_size() == 1:
        return text
    return next((one for one in all_gather_object(text) if one), None)


def _describe(step: Step) -> str:
    task = f'the task {step.task!r}' if step.task else 'the model'
    invalid = [
        f'{name}={value.item()}'
        for name, value in step.losses.items()
        if not value.isfinite()
    ]
    what = ', '.join(invalid) or 'a gradient that is NaN or infinite'
    paths = list(_paths_in(step.kwargs))
    shown = ', '.join(paths[:_MOST_PATHS]) or 'of unknown path'
    more = len(paths) - _MOST_PATHS
    if more > 0:
        shown += f' and {more} more'
    rank = f' on rank {get_rank()}' if get_world_size() > 1 else ''
    return f'{task} had {what}{rank} on the images {shown}'


def _paths_in(value: Any) -> Iterator[str]:
    """Paths of the images among the arguments of a model."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _paths_in(one)
    elif path := getattr(value, 'img_path', None):
        yield str(path)


def _check_weights(runner: Runner, state: Mapping[str, Any]) -> None:
    floats = {
        name: value
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
        and value.is_floating_point()
        and value.numel()
    }
    norms = torch._foreach_norm(list(floats.values()), float('inf'))
    norms = torch.stack([norm.float() for norm in norms])
    bad = [
        name
        for name, fine in zip(floats, norms.isfinite().tolist())
        if not fine
    ]
    if bad:
        raise InvalidLossError(
            f'Iteration {runner.iter + 1}: {len(bad)} of {len(floats)} '
            f'weights are NaN or infinite, the first is {bad[0]}. No '
            'checkpoint was written, and the last one in '
            f'{runner.work_dir} is good: lower the learning rate or set '
            'optim_wrapper.clip_grad, and go on from it with --resume.'
        )
