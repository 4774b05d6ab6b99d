"""Alternate multi-task training (AMT2) as an mmengine training loop."""

import time
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import IterBasedTrainLoop, Runner

from cupre_mm.datasets import DualDataLoader
from cupre_mm.engine.resumable_train_loop import seed_of_run
from cupre_mm.registry import DATALOADERS, LOOPS
from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError, BadTypeError
from cupre_mm.utils.task_schedule import TaskSchedule, split_step


@LOOPS.register_module()
class AMT2TrainLoop(IterBasedTrainLoop):
    """Every iteration trains each task of a schedule by a step of its own.

    With the default schedule an iteration first trains the backbone on
    unlabelled cells by momentum contrast, then the whole model on labelled
    images, as in `CUPre <https://arxiv.org/abs/2310.03981>`_. It counts as
    one iteration for hooks, parameter schedulers, logs and checkpoints.

    Args:
        runner (Runner): The runner.
        dataloader (DualDataLoader | dict): The dual loader or its config.
        max_iters (int): Number of AMT2 iterations.
        schedule (Sequence[str]): Steps of an iteration; see
            :class:`~cupre_mm.utils.task_schedule.TaskSchedule`.
            Defaults to ('moco', 'det').
        warmup_iters (int): Number of first iterations that run
            ``warmup_schedule`` instead. Defaults to 0.
        warmup_schedule (Sequence[str]): Steps of these. Defaults to
            ('det', ).
        **kwargs: Further arguments of
            :class:`mmengine.runner.IterBasedTrainLoop`.

    Raises:
        BadTypeError: If the data loader is not a ``DualDataLoader``.
        BadConfigError: On an unknown task in the schedule.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DualDataLoader | dict,
        max_iters: int,
        schedule: Sequence[str] = ('moco', 'det'),
        warmup_iters: int = 0,
        warmup_schedule: Sequence[str] = ('det',),
        **kwargs: Any,
    ) -> None:
        self.schedule = TaskSchedule(schedule, warmup_iters, warmup_schedule)
        if isinstance(dataloader, dict):
            dataloader = self._build_loader(runner, dataloader)
        if not isinstance(dataloader, DualDataLoader):
            raise BadTypeError(
                'AMT2TrainLoop needs train_dataloader=dict('
                "type='cupre_mm.DualDataLoader', moco=dict(...), "
                f'det=dict(...)), but got a {type(dataloader).__name__}.'
            )
        # Runner.scale_lr takes the batch size from here; without this
        # --auto-scale-lr would not find one in a dual config.
        runner._train_dataloader = dataloader.primary
        with config_values('train_cfg', max_iters=max_iters, **kwargs):
            super().__init__(runner, dataloader, max_iters, **kwargs)

    def _build_loader(self, runner: Runner, config: dict) -> DualDataLoader:
        config = dict(config)
        name = config.pop('type', None)
        # Not Registry.build: it would look for data loaders in the default
        # scope, where mmdet has none, and warn.
        loader_type = DATALOADERS.get(str(name))
        if loader_type is None:
            raise BadTypeError(
                'AMT2TrainLoop needs train_dataloader.type='
                f"'cupre_mm.DualDataLoader', but got {name!r}."
            )
        known = ('moco', 'det')
        unknown = sorted(set(config) - set(known))
        if unknown:
            raise BadConfigError(
                f'train_dataloader has {", ".join(map(str, unknown))}, which '
                f'is not one of {", ".join(known)}: values of a data loader, '
                'such as batch_size, belong into train_dataloader.moco or '
                'train_dataloader.det'
            )
        return loader_type(
            **config, schedule=self.schedule, seed=seed_of_run(runner)
        )

    def run(self) -> torch.nn.Module:
        """Check what can only be known with the optimizers built, and train.

        Returns:
            torch.nn.Module: The trained model.

        Raises:
            BadConfigError: If gradients would accumulate over several
                steps, or a task has no optimizer wrapper.
        """
        self._check_optim_wrapper()
        self.dataloader.start_at(self._iter, seed_of_run(self.runner))
        return super().run()

    def _check_optim_wrapper(self) -> None:
        wrapper = self.runner.optim_wrapper
        if isinstance(wrapper, OptimWrapperDict):
            steps = set(self.schedule.steps)
            if self.schedule.warmup_iters:
                steps |= set(self.schedule.warmup_steps)
            missing = sorted(steps - set(wrapper.keys()))
            if missing:
                raise BadConfigError(
                    f'optim_wrapper has entries for {list(wrapper.keys())}, '
                    f'but the schedule also has the steps {missing}: give '
                    'each step an entry, or use one OptimWrapper for all.'
                )
            wrappers = dict(wrapper.items())
        else:
            wrappers = {'all tasks': wrapper}
        counts = {
            name: one._accumulative_counts
            for name, one in wrappers.items()
            if one._accumulative_counts > 1
        }
        if counts and not self.schedule.is_single_step:
            raise BadConfigError(
                f'optim_wrapper.accumulative_counts={counts} cannot be used '
                f'with the schedule {self.schedule.steps}: its steps share '
                "the backbone's gradients, so what one step accumulates "
                'would be applied, or cleared, by the next one. '
                'Set accumulative_counts=1 and raise the batch sizes, or '
                "train one task alone, such as train_cfg.schedule=('det', )."
            )

    def run_iter(self, data_batch: dict[str, list[Any]]) -> None:
        """Train each step of the schedule once.

        Args:
            data_batch (dict[str, list]): Batches by task, from
                :class:`~cupre_mm.datasets.DualDataLoader`.
        """
        self.runner.call_hook(
            'before_train_iter', batch_idx=self._iter, data_batch=data_batch
        )
        batches = {task: iter(drawn) for task, drawn in data_batch.items()}
        outputs: dict[str, Any] = {}
        totals: dict[str, torch.Tensor] = {}
        seconds: dict[str, float] = {}
        for step in self.schedule.steps_at(self._iter):
            start = time.perf_counter()
            logged = self._train_step(step, batches)
            seconds[step] = (
                seconds.get(step, 0.0) + time.perf_counter() - start
            )
            # Of a repeated step the last one's values are logged, except
            # for the loss, which is the sum of all steps.
            prefix = '' if '+' in step else f'{step}/'
            outputs.update(
                (f'{prefix}{name}', value)
                for name, value in logged.items()
                if prefix or name != 'loss'
            )
            totals[step] = totals.get(step, 0) + logged['loss'].detach()
        outputs['loss'] = sum(totals.values())
        for step, duration in seconds.items():
            outputs[f'{step}/time'] = duration
        for task, duration in self.dataloader.data_time.items():
            outputs[f'{task}/data_time'] = duration
        self.runner.call_hook(
            'after_train_iter',
            batch_idx=self._iter,
            data_batch=data_batch,
            outputs=outputs,
        )
        self._iter += 1

    def _train_step(
        self, step: str, batches: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        tasks = split_step(step)
        drawn = {task: next(batches[task]) for task in tasks}
        data = drawn if len(tasks) > 1 else drawn[step]
        return self.runner.model.train_step(
            {**data, 'task': step}, optim_wrapper=self._optim_wrapper(step)
        )

    def _optim_wrapper(self, step: str) -> OptimWrapper:
        wrapper = self.runner.optim_wrapper
        if isinstance(wrapper, OptimWrapperDict):
            return wrapper[step]
        return wrapper
