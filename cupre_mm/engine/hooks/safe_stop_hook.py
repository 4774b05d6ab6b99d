"""Ends a run on a signal: the iteration is finished, the state is saved."""

import functools
import os
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dist import all_gather, all_reduce, barrier, get_world_size
from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.runner import BaseLoop, Runner

from cupre_mm.registry import HOOKS
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.worker_shield import shield_workers

_KNOWN = ('SIGTERM', 'SIGINT', 'SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGXCPU')
# Launchers pass a signal on that the process got from the terminal, or from
# the scheduler, already. Within this many seconds it is the same one.
_SAME_SIGNAL = 1.0


@HOOKS.register_module()
class SafeStopHook(Hook):
    """Saves a checkpoint and exits when the run is told to stop.

    After the first signal the running iteration ends, a checkpoint is
    written by the run's checkpoint hook, where it counts for
    ``max_keep_ckpts``, and the process exits with ``exit_code``. A second
    signal, a second or more later, stops at once, with 128 and the number of
    the signal (130 for SIGINT, 143 for SIGTERM). Processes of a distributed
    run agree after each iteration, so that one of them being told is enough,
    and all exit after the file is written.

    During validation the run stops after the running batch and saves the
    iteration that is being validated; this validation is not made up for on
    resume. A run with an ``EMAHook``, whose averaged weights stand in the
    model meanwhile, ends the validation first, and so do processes whose
    numbers of validation batches differ. A run that has trained its last
    iteration goes on to its end, with exit code 0. Loops by epoch cannot
    resume within one: there the run exits without saving, and the last
    finished epoch is the one to go on from.

    Forked loader workers do not die of these signals.

    Args:
        exit_code (int): Exit code of a run that can be resumed.
            Defaults to 75, EX_TEMPFAIL of sysexits.h.
        signals (Sequence[str]): Signals to stop on. Add 'SIGUSR1' for
            Slurm's ``--signal=USR1@120``.
            Defaults to ('SIGTERM', 'SIGINT').

    Raises:
        BadConfigError: If the code is no exit code of its own, or a signal
            is unknown.
    """

    # After every hook that counts, logs, checks or saves the iteration.
    priority = 'LOWEST'

    def __init__(
        self,
        exit_code: int = 75,
        signals: Sequence[str] = ('SIGTERM', 'SIGINT'),
    ) -> None:
        if type(exit_code) is not int or not 3 <= exit_code <= 125:
            raise BadConfigError(
                f'SafeStopHook: exit_code={exit_code!r} must be a number from '
                '3 to 125, others have a meaning'
            )
        unknown = sorted(set(signals) - set(_KNOWN))
        if isinstance(signals, str) or unknown:
            raise BadConfigError(
                f'SafeStopHook: signals={signals!r} must be a list of some '
                f'of {", ".join(_KNOWN)}'
            )
        self.exit_code = exit_code
        self.signals = [getattr(signal, name) for name in signals]
        self._previous: dict[int, Any] = {}
        self._received: int | None = None
        self._since = 0.0
        self._saved = False
        self._even_validation = True
        self._told_of_end = False

    def before_run(self, runner: Runner) -> None:
        """Shield loader workers while the training loop runs.

        Args:
            runner (Runner): The runner.
        """
        loop = runner._train_loop
        if not isinstance(loop, BaseLoop):
            return
        train = loop.run

        @functools.wraps(train)
        def run() -> Any:
            shield_workers(self.signals)
            # mmengine calls no hook when training ends by an error.
            try:
                return train()
            finally:
                self.after_train(runner)

        loop.run = run

    def before_train(self, runner: Runner) -> None:
        """Listen to the signals from now on.

        Args:
            runner (Runner): The runner.
        """
        if threading.current_thread() is not threading.main_thread():
            runner.logger.warning(
                'SafeStopHook: training runs outside the main thread, where '
                'Python receives no signals; the run cannot stop safely.'
            )
            return
        for number in self.signals:
            self._previous[number] = signal.signal(number, self._receive)

    def after_train(self, runner: Runner) -> None:
        """Give the signals back.

        Args:
            runner (Runner): The runner.
        """
        for number, previous in self._previous.items():
            # None: whoever set the handler was no Python code.
            signal.signal(
                number, signal.SIG_DFL if previous is None else previous
            )
        self._previous.clear()
        shield_workers(())

    def _receive(self, number: int, frame: Any) -> None:
        # Neither logging nor print: both may be in the middle of a line.
        name = signal.Signals(number).name
        if self._saved:
            os._exit(self.exit_code)
        if self._received is None:
            self._received, self._since = number, time.monotonic()
            os.write(
                2,
                f'\n{name}: saving a checkpoint after this iteration; a '
                'second signal stops at once\n'.encode(),
            )
        elif time.monotonic() - self._since >= _SAME_SIGNAL:
            os.write(2, f'\n{name} again: stopped at once\n'.encode())
            os._exit(128 + number)

    def _agreed_signal(self) -> int:
        received = int(self._received or 0)
        if get_world_size() == 1:
            return received
        flag = torch.tensor([received])
        all_reduce(flag, op='max')
        return int(flag)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Stop if any process was told to.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Unused.
            data_batch (Any, optional): Unused.
            outputs (dict, optional): Unused.

        Raises:
            SystemExit: After saving.
        """
        number = self._agreed_signal()
        if not number:
            return
        if runner.iter + 1 >= runner.max_iters:
            self._tell_of_end(runner, number)
        else:
            self._stop(runner, number, runner.iter + 1)

    def before_val_epoch(self, runner: Runner) -> None:
        """See whether all processes validate as many batches.

        Args:
            runner (Runner): The runner.
        """
        if get_world_size() > 1 and self._previous:
            counts = all_gather(torch.tensor([len(runner.val_dataloader)]))
            self._even_validation = len({int(one) for one in counts}) == 1

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Stop in the middle of a validation where the weights allow it.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Unused.
            data_batch (Any, optional): Unused.
            outputs (Any, optional): Unused.

        Raises:
            SystemExit: After saving.
        """
        averaged = any(isinstance(hook, EMAHook) for hook in runner.hooks)
        if self._previous and self._even_validation and not averaged:
            self._stop_in_validation(runner)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Stop after a validation.

        Args:
            runner (Runner): The runner.
            metrics (dict, optional): Unused.

        Raises:
            SystemExit: After saving.
        """
        if self._previous:
            self._stop_in_validation(runner)

    def _stop_in_validation(self, runner: Runner) -> None:
        number = self._agreed_signal()
        if not number:
            return
        if runner.iter >= runner.max_iters:
            self._tell_of_end(runner, number)
        else:
            self._stop(runner, number, runner.iter)

    def _tell_of_end(self, runner: Runner, number: int) -> None:
        if not self._told_of_end:
            self._told_of_end = True
            runner.logger.info(
                f'{signal.Signals(number).name}: the last iteration is '
                'trained, the run goes on to its end.'
            )

    def _stop(self, runner: Runner, number: int, step: int) -> None:
        name = signal.Signals(number).name
        hook = next(
            (one for one in runner.hooks if isinstance(one, CheckpointHook)),
            None,
        )
        saved = None
        if hook is not None and not hook.by_epoch:
            filename = hook.filename_tmpl.format(step)
            # At its own interval the hook, which comes first, has saved.
            if os.path.basename(str(hook.last_ckpt)) != filename:
                hook._save_checkpoint_with_step(
                    runner, step, dict(epoch=runner.epoch, iter=step)
                )
            saved = hook.last_ckpt
        elif hook is not None:
            saved = hook.last_ckpt
        # A launcher ends all processes when the first one is gone, and this
        # one may be done before the file is written.
        barrier()
        self._saved = True
        code = self.exit_code if saved else 128 + number
        runner.logger.info(
            f'{name}: stopped after iteration {step} with exit code {code}; '
            + (
                f'resume from {saved} with --resume'
                if saved
                else 'no checkpoint was written'
            )
        )
        self.after_train(runner)
        raise SystemExit(code)
