"""Two data loaders in lockstep, one for each task of AMT2."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.dist import get_world_size
from mmengine.logging import print_log
from torch.utils.data import DataLoader, Dataset

from cupre_mm.datasets.seeded_stream import build_seeded_loader, follow_seed
from cupre_mm.registry import DATALOADERS
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.task_schedule import TASKS, TaskSchedule


class _LockstepSampler:
    """What mmengine's loop sees as *the* sampler: skips both of them.

    Resuming calls ``sampler.skip(iterations * loader.batch_size)``. Here
    that product is turned back into iterations, and each loader's own
    sampler skips what its task had consumed, by its own batch size.
    """

    def __init__(self, loader: 'DualDataLoader') -> None:
        self._loader = loader

    def skip(self, num_samples: int) -> None:
        self._loader.skip_iters(num_samples // self._loader.batch_size)


@DATALOADERS.register_module()
class DualDataLoader:
    """Unlabelled cells and labelled images, drawn as a schedule asks.

    Every draw yields the batches of one AMT2 iteration as
    ``{'moco': [batch, ...], 'det': [batch, ...]}``: a list a task, because
    a schedule may repeat a task or leave it out. The images of each task
    and their augmentations depend on the seed and the place in the task's
    stream alone; see :mod:`cupre_mm.datasets.seeded_stream`.

    Args:
        moco (dict | DataLoader, optional): Ordinary mmengine data loader
            config of the contrastive task. None where the schedule has no
            such task. Defaults to None.
        det (dict | DataLoader, optional): The same for the detection task.
            Defaults to None.
        schedule (TaskSchedule, optional): The schedule. A loader whose task
            it never trains is not built. Defaults to ``TaskSchedule()``.
        seed (int, optional): Seed of both samplers and of augmentations, the
            same on all processes. Defaults to None.

    Raises:
        BadConfigError: If a scheduled task has no loader, a batch is larger
            than its data set, or a sampler cannot be skipped exactly.
    """

    def __init__(
        self,
        moco: dict | DataLoader | None = None,
        det: dict | DataLoader | None = None,
        schedule: TaskSchedule | None = None,
        seed: int | None = None,
    ) -> None:
        self.schedule = schedule or TaskSchedule()
        configs = dict(moco=moco, det=det)
        self.loaders: dict[str, DataLoader] = {}
        for task in self.schedule.tasks:
            if configs[task] is None:
                raise BadConfigError(
                    f'The schedule {self.schedule.steps} trains {task!r}, '
                    f'but train_dataloader.{task} is None: give it a data '
                    'loader config, or take the task out of '
                    'train_cfg.schedule.'
                )
            loader = build_seeded_loader(
                configs[task], task, seed, f'train_dataloader.{task}'
            )
            self._check(task, loader)
            self.loaders[task] = loader
        for task in set(TASKS) - set(self.schedule.tasks):
            if configs[task] is not None:
                print_log(
                    f'train_dataloader.{task} is left unused: the schedule '
                    f'{self.schedule.steps} does not train {task!r}.',
                    logger='current',
                )
        self.data_time: dict[str, float] = {}
        self._seed = seed
        self._start_iter = 0

    @staticmethod
    def _check(task: str, loader: DataLoader) -> None:
        size, batch = len(loader.dataset), loader.batch_size * get_world_size()
        if batch > size:
            raise BadConfigError(
                f'train_dataloader.{task}.batch_size={loader.batch_size} on '
                f'{get_world_size()} process(es) makes batches of {batch}, '
                f'larger than the data set of {size} images: a batch would '
                'hold an image twice. Lower the batch size or add images.'
            )

    @property
    def primary(self) -> DataLoader:
        """The detection loader where there is one.

        Learning rates are scaled by its batch size, and the model's classes
        are those of its data set.
        """
        return self.loaders.get('det') or self.loaders['moco']

    @property
    def batch_size(self) -> int:
        """Batch size of :attr:`primary`, per process."""
        return self.primary.batch_size

    @property
    def dataset(self) -> Dataset:
        """Data set of :attr:`primary`."""
        return self.primary.dataset

    @property
    def sampler(self) -> _LockstepSampler:
        """Stands for both samplers; its ``skip`` moves both."""
        return _LockstepSampler(self)

    def start_at(self, num_iters: int, seed: int | None) -> None:
        """Follow a run that resumes, before anything is skipped.

        The loaders are built before the checkpoint is read. Where the config
        names no seed, the seed that they got is not the one of the
        interrupted run, and its draws could not be continued.

        Args:
            num_iters (int): AMT2 iterations that are done: where in the
                schedule the first draw is.
            seed (int, optional): Seed of the run, as the checkpoint has it.
        """
        self._start_iter = num_iters
        if seed == self._seed:
            return
        for loader in self.loaders.values():
            follow_seed(loader, self._seed, seed)
        self._seed = seed

    def skip_iters(self, num_iters: int) -> None:
        """Move both samplers to where an interrupted run had come.

        No data is read. To be called before iterating, as
        :meth:`mmengine.dataset.InfiniteSampler.skip`.

        Args:
            num_iters (int): AMT2 iterations that are done, counted from the
                start of training.
        """
        consumed = self.schedule.batches_before(num_iters)
        for task, loader in self.loaders.items():
            loader.sampler.skip(consumed[task] * loader.batch_size)
        self._start_iter = num_iters

    def __iter__(self) -> Iterator[Mapping[str, list[Any]]]:
        """Endless draws; both loaders' workers start at the first one."""
        streams = {task: iter(load) for task, load in self.loaders.items()}
        iteration = self._start_iter
        while True:
            wanted = self.schedule.batches_at(iteration)
            batches: dict[str, list[Any]] = {}
            self.data_time = {}
            for task, stream in streams.items():
                start = time.perf_counter()
                batches[task] = [next(stream) for _ in range(wanted[task])]
                self.data_time[task] = time.perf_counter() - start
            yield batches
            iteration += 1

    def __len__(self) -> int:
        """Batches in one pass over the primary data set."""
        return len(self.primary)
