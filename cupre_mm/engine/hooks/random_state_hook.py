"""Lets a run that resumes draw what it would have drawn uninterrupted."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from cupre_mm.engine.resumable_train_loop import seed_of_run
from cupre_mm.engine.stream_record import check_same_stream, stream_record
from cupre_mm.registry import HOOKS
from cupre_mm.utils.random_states import random_states, set_random_states

KEY = 'exact_resume'
"""Key of a checkpoint that holds what this hook saves."""


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Saves and restores what mmengine's checkpoints lack.

    In the checkpoint are: the states of Python's, NumPy's and torch's
    generators (CUDA's as well) of every process; gradients that are being
    accumulated, on one process; and what the draws depend on: number of
    processes, schedule, batch sizes, samplers and names of the images. A run
    that resumes with another value of these is refused, unless it sets
    ``fast_forward_on_resume=True`` and so begins the draws anew. The number
    of workers may change.

    Everything is restored right before the first iteration, after all that
    draws at a start. Validation draws without a trace. With
    :class:`~cupre_mm.engine.AMT2TrainLoop` or
    :class:`~cupre_mm.engine.ResumableTrainLoop` a run that was killed gives
    the same bits as one that was not, on hardware and with operations that
    give the same bits twice; other loops draw other augmentations.

    Raises:
        BadConfigError: On resume, if what the draws depend on has changed.
    """

    # Before any hook that could draw in an iteration.
    priority = 'HIGHEST'

    def __init__(self) -> None:
        self._record: dict[str, Any] | None = None
        self._resumed: dict[str, Any] | None = None
        self._gathered: list[dict] | None = None
        self._before_val: dict[str, Any] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take what was saved, and compare it with this run.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint.

        Raises:
            BadConfigError: If the draws would be others.
        """
        if not runner._resume:
            return
        self._resumed = checkpoint.get(KEY)
        if self._resumed is None:
            print_log(
                'The checkpoint has no random states: training goes on from '
                'its weights and its place in the data, but draws others '
                'than the interrupted run would have.',
                logger='current',
                level=logging.WARNING,
            )
        elif not getattr(runner.train_loop, 'fast_forward_on_resume', False):
            check_same_stream(self._resumed['stream'], self._note(runner))

    def before_train(self, runner: Runner) -> None:
        """Get ready to collect the states of all processes.

        Args:
            runner (Runner): The runner.
        """
        self._note(runner)
        if get_world_size() > 1:
            runner.save_checkpoint = self._gathering(runner.save_checkpoint)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Restore what was saved, once.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Not used.
            data_batch (Any, optional): Not used.
        """
        if self._resumed is None:
            return
        states = self._resumed['random']
        if get_rank() < len(states):
            set_random_states(states[get_rank()])
        _set_accumulated(runner, self._resumed.get('accumulated') or {})
        self._resumed = None

    def before_val(self, runner: Runner) -> None:
        """Remember the states, as validation draws.

        Args:
            runner (Runner): The runner.
        """
        self._before_val = random_states()

    def after_val(self, runner: Runner) -> None:
        """Put them back: a run that resumes does not validate again.

        Args:
            runner (Runner): The runner.
        """
        if self._before_val is not None:
            set_random_states(self._before_val)
            self._before_val = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint, added to in place.
        """
        # A checkpoint of a stop during validation goes on after it.
        own = self._before_val or random_states()
        checkpoint[KEY] = dict(
            random=self._gathered or [own],
            stream=self._note(runner),
            accumulated=_accumulated(runner),
        )

    def _note(self, runner: Runner) -> dict[str, Any]:
        if self._record is None:
            loop = runner.train_loop
            self._record = stream_record(loop.dataloader, seed_of_run(runner))
        return self._record

    def _gathering(self, save: Callable[..., None]) -> Callable[..., None]:
        """All processes call ``save_checkpoint``, but only one saves."""

        @wraps(save)
        def gather_and_save(*args: Any, **kwargs: Any) -> None:
            self._gathered = all_gather_object(
                self._before_val or random_states()
            )
            save(*args, **kwargs)

        return gather_and_save


def _wrappers(runner: Runner) -> dict[str, OptimWrapper]:
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapperDict):
        return dict(wrapper.items())
    return {'': wrapper}


def _model(runner: Runner) -> torch.nn.Module:
    model = runner.model
    return model.module if is_model_wrapper(model) else model


def _accumulated(runner: Runner) -> dict[str, Any]:
    """Gradients that wait for ``accumulative_counts``, and the counts."""
    counts = {
        name: one._inner_count
        for name, one in _wrappers(runner).items()
        if one._accumulative_counts > 1
    }
    if not any(
        count % _wrappers(runner)[name]._accumulative_counts
        for name, count in counts.items()
    ):
        return dict(counts=counts)
    if get_world_size() > 1:
        print_log(
            'This checkpoint lies between two steps of the optimizer, and '
            'gradients of several processes are not saved: resuming from it '
            'is not exact. Make default_hooks.checkpoint.interval a multiple '
            'of accumulative_counts.',
            logger='current',
            level=logging.WARNING,
        )
        return dict(counts=counts)
    gradients = {
        name: parameter.grad.detach().cpu().clone()
        for name, parameter in _model(runner).named_parameters()
        if parameter.grad is not None
    }
    return dict(counts=counts, gradients=gradients)


def _set_accumulated(runner: Runner, saved: dict[str, Any]) -> None:
    wrappers = _wrappers(runner)
    for name, count in saved.get('counts', {}).items():
        if name in wrappers:
            wrappers[name]._inner_count = count
    parameters = dict(_model(runner).named_parameters())
    for name, gradient in saved.get('gradients', {}).items():
        if name in parameters:
            parameters[name].grad = gradient.to(parameters[name].device)
