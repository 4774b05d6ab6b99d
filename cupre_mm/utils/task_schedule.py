"""Which tasks an AMT2 iteration trains, and in which order."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cupre_mm.utils.errors import BadConfigError

TASKS = ('moco', 'det')


def split_step(step: str) -> tuple[str, ...]:
    """Tasks of one step: ``'moco+det'`` is a joint step of both.

    Args:
        step (str): Name of a step in a schedule.

    Returns:
        tuple[str, ...]: Names of the tasks whose losses are summed.
    """
    return tuple(step.split('+'))


class TaskSchedule:
    """The steps of each iteration, known for every iteration in advance.

    The loop follows it, and the data loader counts with it how many batches
    of each task an interrupted run had consumed.

    Args:
        steps (Sequence[str]): Steps of one iteration, in order. Each is
            'moco', 'det' or, for one optimizer step on the summed losses,
            'moco+det'. A step may stand several times.
            Defaults to ('moco', 'det'), the order of the CUPre paper.
        warmup_iters (int): Number of first iterations that train only
            ``warmup_steps``. Defaults to 0.
        warmup_steps (Sequence[str]): Steps of a warm-up iteration.
            Defaults to ('det', ).

    Raises:
        BadConfigError: On an unknown task, an empty schedule or a negative
            number of warm-up iterations.
    """

    def __init__(
        self,
        steps: Sequence[str] = TASKS,
        warmup_iters: int = 0,
        warmup_steps: Sequence[str] = ('det',),
    ) -> None:
        self.steps = self._checked('schedule', steps)
        self.warmup_steps = self._checked('warmup_schedule', warmup_steps)
        if not _is_count(warmup_iters):
            raise BadConfigError(
                f'warmup_iters={warmup_iters!r}: give the number of warm-up '
                'iterations as an integer of 0 or more.'
            )
        self.warmup_iters = int(warmup_iters)

    @staticmethod
    def _checked(name: str, steps: Sequence[str]) -> tuple[str, ...]:
        if isinstance(steps, str):
            steps = (steps,)
        if not steps:
            raise BadConfigError(
                f'train_cfg.{name} is empty: name at least one of {TASKS}.'
            )
        if not isinstance(steps, Sequence) or not all(
            isinstance(step, str) for step in steps
        ):
            raise BadConfigError(
                f'train_cfg.{name}={steps!r} is no list of steps, such as '
                f'{list(TASKS)}.'
            )
        for step in steps:
            tasks = split_step(step)
            unknown = [task for task in tasks if task not in TASKS]
            if unknown or len(set(tasks)) != len(tasks):
                raise BadConfigError(
                    f'train_cfg.{name} has the step {step!r}: a step is '
                    f"one of {TASKS}, or 'moco+det' for the summed loss."
                )
        return tuple(steps)

    @property
    def tasks(self) -> tuple[str, ...]:
        """All tasks that some iteration trains, each once."""
        steps = self.steps + (self.warmup_steps if self.warmup_iters else ())
        used = {task for step in steps for task in split_step(step)}
        return tuple(task for task in TASKS if task in used)

    @property
    def is_single_step(self) -> bool:
        """Whether every iteration is one step, and always the same one."""
        used = {self.steps} | (
            {self.warmup_steps} if self.warmup_iters else set()
        )
        return len(used) == 1 and len(self.steps) == 1

    def steps_at(self, iteration: int) -> tuple[str, ...]:
        """Steps of one iteration.

        Args:
            iteration (int): Number of the iteration, from 0.

        Returns:
            tuple[str, ...]: Steps in the order of training.
        """
        return (
            self.warmup_steps if iteration < self.warmup_iters else self.steps
        )

    def batches_at(self, iteration: int) -> Counter:
        """Number of batches of each task that one iteration consumes.

        Args:
            iteration (int): Number of the iteration, from 0.

        Returns:
            Counter: Batches by task.
        """
        return self._batches(self.steps_at(iteration))

    def batches_before(self, iteration: int) -> Counter:
        """Number of batches of each task that all earlier iterations took.

        Args:
            iteration (int): Number of the iteration, from 0.

        Returns:
            Counter: Batches by task.
        """
        in_warmup = min(iteration, self.warmup_iters)
        total: Counter = Counter()
        for steps, times in (
            (self.warmup_steps, in_warmup),
            (self.steps, iteration - in_warmup),
        ):
            for task, number in self._batches(steps).items():
                total[task] += number * times
        return total

    @staticmethod
    def _batches(steps: Sequence[str]) -> Counter:
        return Counter(task for step in steps for task in split_step(step))


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, float)) and (
        value >= 0 and value == value // 1
    )
