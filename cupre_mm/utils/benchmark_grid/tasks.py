"""What a grid has to run: its pre-training stages and its cells."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cupre_mm.utils.benchmark_grid.config_sections import Arm, Size, Stage
from cupre_mm.utils.benchmark_grid.grid_config import Grid
from cupre_mm.utils.benchmark_grid.training_config import (
    ConfigReader,
    budget_options,
    dataset_of,
    iterations_of,
    recipe_of,
)
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.file_checksums import sha256_of

PRETRAINING = 'pretraining'
CELLS = 'cells'


@dataclass(frozen=True)
class Task:
    """A training, and for a cell a test after it.

    Attributes:
        name (str): Its folder in the work dir, with slashes.
        file (Path): Training config.
        options (dict): Values that differ from the config.
        amp (str, optional): Mixed precision.
        iterations (int): Length of the training.
        config (Config): The config with the options.
        recipe (dict): What its result depends on.
        stage (str): Name of the stage; '' for a cell.
        arm (str): Name of the arm; '' for a stage.
        size (Size, optional): Labels of a cell.
        seed (int): Seed of the training.
        needs (str, optional): Name of the task that it starts from.
        start (str, optional): Checkpoint that it starts from.
        environment (dict): Variables of its processes.
        described (dict): What its record says of it.
    """

    name: str
    file: Path
    options: dict[str, Any]
    amp: str | None
    iterations: int
    config: Config = field(repr=False)
    recipe: dict[str, Any] = field(repr=False)
    stage: str = ''
    arm: str = ''
    size: Size | None = None
    seed: int = 0
    needs: str | None = None
    start: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)

    @property
    def is_cell(self) -> bool:
        """Whether it is tested."""
        return bool(self.arm)

    @property
    def recipe_sha256(self) -> str:
        """Checksum of the recipe."""
        text = json.dumps(self.recipe, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def checkpoint(self) -> str:
        """Name of the last checkpoint in its folder."""
        return f'iter_{self.iterations}.pth'


class TaskList:
    """Makes the tasks of a grid.

    Args:
        grid (Grid): The grid.
        work_dir (Path): Work dir of the benchmark.
        data (Path): Root of all data.
        reader (ConfigReader): Reads the training configs.
    """

    def __init__(
        self, grid: Grid, work_dir: Path, data: Path, reader: ConfigReader
    ) -> None:
        self.grid, self.work_dir, self.data = grid, work_dir, data
        self.reader = reader
        self.tasks: dict[str, Task] = {}
        self._folder = data / grid.data.folder
        # Many cells may start from one large file.
        self._sha256_of = cache(sha256_of)

    def make(self) -> dict[str, Task]:
        """Make all tasks.

        Returns:
            dict[str, Task]: Tasks by name; each after what it starts from,
            cells of few labels first.

        Raises:
            BadConfigError: If a config cannot be used.
        """
        grid = self.grid
        for stage in grid.stages.values():
            for seed in grid.pretraining_seeds:
                self._add(self._stage(stage, seed))
        for size in grid.sizes:
            for seed in grid.seeds[size]:
                for arm in grid.arms.values():
                    self._add(self._cell(arm, size, seed))
        return self.tasks

    def test_file(self) -> Path:
        """The annotation file of the test part."""
        return self._folder / self.grid.data.test

    def splits_folder(self, seed: int) -> Path:
        """The folder of the splits of one seed."""
        return self._folder / self.grid.data.splits.format(seed=seed)

    def _add(self, task: Task) -> None:
        self.tasks[task.name] = task

    def _stage_name(self, stage: str, seed: int) -> str:
        several = len(self.grid.pretraining_seeds) > 1
        return f'{PRETRAINING}/{stage}' + (f'_seed{seed}' if several else '')

    def _stage(self, stage: Stage, seed: int) -> Task:
        config = self.reader.read(stage.config, {})
        options = {
            **budget_options(config, stage.iterations),
            'randomness.seed': seed,
            **stage.options,
        }
        amp = self.grid.amp if stage.amp == '' else stage.amp
        return self._task(
            self._stage_name(stage.name, seed),
            stage,
            options,
            amp,
            seed,
            stage=stage.name,
            described=dict(stage=stage.name, seed=seed),
        )

    def _cell(self, arm: Arm, size: Size, seed: int) -> Task:
        grid = self.grid
        environment = {
            'CUPRE_SPLITS': grid.data.splits.format(seed=seed),
            'CUPRE_TRAIN_SPLIT': size.split,
        }
        config = self.reader.read(arm.config, {}, environment)
        options = {
            **budget_options(config, grid.iterations),
            'randomness.seed': seed,
            **grid.options,
            **self._data_options(arm, config, size, seed),
            **arm.options,
        }
        return self._task(
            f'{CELLS}/{arm.name}/{size.name}/seed{seed}',
            arm,
            options,
            grid.amp,
            seed,
            arm=arm.name,
            size=size,
            environment=environment,
            described=dict(
                arm=arm.name,
                title=arm.title,
                setting=arm.setting,
                size=size.name,
                **size.as_dict(),
                seed=seed,
            ),
        )

    def _data_options(
        self, arm: Arm, config: Config, size: Size, seed: int
    ) -> dict[str, Any]:
        """Which images a cell is trained and tested on."""
        split = self.splits_folder(seed) / f'{size.split}.json'
        options = {}
        for loader, file in (
            ('train_dataloader', split),
            ('test_dataloader', self.test_file()),
        ):
            found = dataset_of(config, loader)
            if found is None:
                raise BadConfigError(
                    f'arms.{arm.name}: {arm.config} has no {loader}.dataset'
                )
            options[f'{found[0]}.ann_file'] = str(file)
            # The training config may be of another data set.
            options[f'{found[0]}.data_root'] = f'{self._folder}/'
            options[f'{found[0]}.data_prefix.img'] = (
                f'{self.grid.data.images}/'
            )
        evaluator = config.get('test_evaluator')
        if isinstance(evaluator, Mapping):
            options['test_evaluator.ann_file'] = str(self.test_file())
        else:
            for index in range(len(evaluator or ())):
                key = f'test_evaluator.{index}.ann_file'
                options[key] = str(self.test_file())
        return options

    def _task(
        self,
        name: str,
        section: Stage | Arm,
        options: dict[str, Any],
        amp: str | None,
        seed: int,
        **values: Any,
    ) -> Task:
        folder = self.work_dir / name
        needs = start = None
        chain = ''
        if section.start is not None:
            seeds = self.grid.pretraining_seeds
            needs = self._stage_name(section.start, seeds[seed % len(seeds)])
            if values.get('stage'):
                needs = self._stage_name(section.start, seed)
            before = self.tasks[needs]
            start = str(self.work_dir / needs / before.checkpoint)
            chain = before.recipe_sha256
        elif section.checkpoint is not None:
            start = self._checkpoint(section.checkpoint)
            chain = self._with_sha256(start)
        environment = values.get('environment')
        config = self.reader.read(section.config, options, environment)
        if start is None and config.get('load_from'):
            start = str(config.load_from)
            chain = self._with_sha256(start)
        options = {**options, 'load_from': start}
        iterations = iterations_of(config, name)
        every = {
            'default_hooks.checkpoint.interval': min(
                self.grid.checkpoint_interval, iterations
            ),
            'default_hooks.checkpoint.max_keep_ckpts': (
                -1 if self.grid.keep_checkpoints == 'all' else 1
            ),
        }
        config = self.reader.read(
            section.config, {**every, **options}, environment
        )
        recipe = recipe_of(
            config,
            {str(self.work_dir): '$WORK_DIR', str(self.data): '$CUPRE_DATA'},
        )
        recipe |= {'amp': amp, 'load_from': chain or None}
        values['described'] |= {'iterations': iterations, 'amp': amp}
        return Task(
            name=name,
            file=self.reader.find(section.config),
            options={**every, **options, 'work_dir': str(folder)},
            amp=amp,
            iterations=iterations,
            config=config,
            recipe=recipe,
            seed=seed,
            needs=needs,
            start=start,
            **values,
        )

    def _checkpoint(self, ref: str) -> str:
        if '://' in ref:
            return ref
        return str(self.reader.find(ref))

    def _with_sha256(self, start: str) -> str:
        """A checkpoint, and what it is: its name may come to be another's."""
        sha256 = None if '://' in start else self._sha256_of(start)
        return start if sha256 is None else f'{start} {sha256}'
