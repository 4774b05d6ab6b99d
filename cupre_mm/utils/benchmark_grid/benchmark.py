"""A benchmark in its work dir: what tools/benchmark.py does with it."""

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cupre_mm.utils.benchmark_grid.data_checks import TestImages
from cupre_mm.utils.benchmark_grid.data_preparation import (
    preparation_commands,
    run_preparation,
)
from cupre_mm.utils.benchmark_grid.devices import Slot, make_slots
from cupre_mm.utils.benchmark_grid.dry_run import dry_run_text
from cupre_mm.utils.benchmark_grid.execution import Execution
from cupre_mm.utils.benchmark_grid.failures import write_failures
from cupre_mm.utils.benchmark_grid.fairness import (
    budget_rows,
    budget_table,
    budgets_of,
    check_budgets,
    check_fine_tuning,
)
from cupre_mm.utils.benchmark_grid.grid_config import read_grid_config
from cupre_mm.utils.benchmark_grid.pool import BLOCKED, WAITING, state_of
from cupre_mm.utils.benchmark_grid.processes import Stop
from cupre_mm.utils.benchmark_grid.progress import (
    Estimate,
    counts_of,
    duration,
    status_table,
)
from cupre_mm.utils.benchmark_grid.records import (
    FAILED,
    check_same_recipe,
    read_record,
    write_grid,
    write_record,
)
from cupre_mm.utils.benchmark_grid.selection import select
from cupre_mm.utils.benchmark_grid.slurm import slurm_script
from cupre_mm.utils.benchmark_grid.tasks import Task, TaskList
from cupre_mm.utils.benchmark_grid.training_config import ConfigReader


class Benchmark:
    """A grid, its data and its work dir; checked as far as can be.

    Args:
        config (Path): The benchmark config.
        work_dir (Path): Folder of all results, absolute.
        data (Path): Root of all data, absolute.
        tools (Path): Folder of the tools.
        options (Mapping, optional): Values to change in the config.
            Defaults to None.
        keep_checkpoints (str, optional): In place of the config's, and of
            what was to be kept when a finished task ran. Defaults to None.
        write_results (Callable, optional): Writes tables and plots of the
            work dir; called with it and ``quick``. Defaults to None: none
            are written.

    Raises:
        MissingDataError: If a config does not exist.
        BadConfigError: If no fair grid can be made of the config.
    """

    def __init__(
        self,
        config: Path,
        work_dir: Path,
        data: Path,
        tools: Path,
        options: Mapping[str, Any] | None = None,
        keep_checkpoints: str | None = None,
        write_results: Callable[..., list[Path]] | None = None,
    ) -> None:
        grid = read_grid_config(config, options)
        if keep_checkpoints is not None:
            grid = replace(grid, keep_checkpoints=keep_checkpoints)
        self.grid, self.work_dir, self.data = grid, work_dir, data
        self.tools = tools
        self.execution = Execution(
            grid,
            work_dir,
            data,
            tools,
            Stop(),
            keep_as_before=keep_checkpoints is None,
        )
        reader = ConfigReader(tools.parent, data, grid.file.parent)
        self.tasks = TaskList(grid, work_dir, data, reader).make()
        check_fine_tuning(grid, self.tasks)
        self.budgets = budgets_of(grid, self.tasks)
        check_budgets(grid, self.budgets)
        self._write_results = write_results

    def prepare(self) -> None:
        """Make the data that is missing, check it, and write the grid.

        Raises:
            MissingDataError: If there is nothing to make it of.
            BadDataError: If test images are among the training images.
            BadConfigError: If a config validates on the test images, or the
                work dir has results of other settings.
        """
        run_preparation(self._preparation())
        TestImages(self.grid, self.data).check(self.tasks)
        for task in self.tasks.values():
            check_same_recipe(task, self.work_dir)
        write_grid(
            self.grid,
            self.work_dir,
            self.data,
            self.tools,
            budget_rows(self.budgets),
        )

    def selected(self, only: Sequence[str]) -> dict[str, Task]:
        """Select tasks; see :func:`~.selection.select`.

        Args:
            only (Sequence[str]): Conditions.

        Returns:
            dict[str, Task]: Tasks by name.
        """
        return select(self.tasks, only)

    def slots(
        self, jobs: int | None, devices: Sequence[str] | None
    ) -> list[Slot]:
        """Make the slots; see :func:`~.devices.make_slots`.

        Args:
            jobs (int, optional): Number of slots.
            devices (Sequence[str], optional): Device of each slot.

        Returns:
            list[Slot]: The slots.
        """
        return make_slots(jobs, devices, self.grid.amp)

    def states(
        self, tasks: Mapping[str, Task], retry_failed: bool = False
    ) -> dict[str, str]:
        """States of tasks, by what is on the disk.

        Args:
            tasks (Mapping[str, Task]): Tasks by name.
            retry_failed (bool): Whether those that failed are to be run.
                Defaults to False.

        Returns:
            dict[str, str]: States by name.
        """
        states: dict[str, str] = {}
        for name, task in tasks.items():
            states[name] = state_of(task, self.execution)
            if states[name] == FAILED and retry_failed:
                states[name] = WAITING
            before = states.get(task.needs or '')
            if states[name] == WAITING and before in (FAILED, BLOCKED):
                states[name] = BLOCKED
        return states

    def forget_failures(self, tasks: Mapping[str, Task]) -> None:
        """Let failed tasks be run again, by whichever process comes first.

        Args:
            tasks (Mapping[str, Task]): Tasks by name.
        """
        for name, state in self.states(tasks).items():
            if state == FAILED:
                record = read_record(tasks[name], self.work_dir)
                record.pop('status')
                write_record(tasks[name], self.work_dir, record)

    def is_over(self) -> bool:
        """Whether no task of the whole grid is left to run."""
        return not {WAITING, 'elsewhere'} & {*self.states(self.tasks).values()}

    def report(self, quick: bool, must_succeed: bool = False) -> list[Path]:
        """Write the tables, and unless ``quick`` intervals and plots.

        Args:
            quick (bool): Whether to leave out what takes long.
            must_succeed (bool): Whether an error is raised; it is printed
                otherwise, as it must not end the runs. Defaults to False.

        Returns:
            list[Path]: Files written.
        """
        if self._write_results is None:
            return []
        try:
            return self._write_results(self.work_dir, quick=quick)
        except Exception:
            if must_succeed:
                raise
            print(
                'the results could not be written; later: --report-only\n'
                + traceback.format_exc(),
                file=sys.stderr,
            )
            return []

    def write_failures(self) -> list[str]:
        """Write ``failures.md`` of the whole grid.

        Returns:
            list[str]: A line for each failure.
        """
        return write_failures(
            self.tasks, self.states(self.tasks), self.work_dir
        )

    def budgets_text(self) -> str:
        """What the pre-training of each arm sees, as a table."""
        return budget_table(self.budgets)

    def status_text(self, tasks: Mapping[str, Task]) -> str:
        """How far tasks are.

        Args:
            tasks (Mapping[str, Task]): Tasks by name.

        Returns:
            str: A table, and the time left on one slot.
        """
        states = self.states(tasks)
        left = Estimate(tasks, self.work_dir, 1).seconds(states)
        return (
            f'{status_table(tasks, states)}\n\n{counts_of(states)}; time '
            f'left with one task at a time: {duration(left)}'
        )

    def dry_run_text(
        self,
        tasks: Mapping[str, Task],
        states: Mapping[str, str],
        slots: Sequence[Slot | None],
    ) -> str:
        """The commands that would be run; see :mod:`.dry_run`.

        Args:
            tasks (Mapping[str, Task]): Tasks by name.
            states (Mapping[str, str]): State of each.
            slots (Sequence[Slot | None]): Devices; None leaves the choice
                to the shell.

        Returns:
            str: Lines for bash.
        """
        table = self.budgets_text().replace('\n', '\n# ')
        return f'# {table}\n\n' + dry_run_text(
            self.execution,
            tasks,
            states,
            slots,
            self._preparation(),
        )

    def slurm_text(
        self,
        tasks: Mapping[str, Task],
        states: Mapping[str, str],
        command: Sequence[str],
        file: Path,
        limit: int | None,
        options: Sequence[str],
    ) -> str:
        """The script for Slurm; see :mod:`.slurm`.

        Args:
            tasks (Mapping[str, Task]): Tasks by name.
            states (Mapping[str, str]): State of each.
            command (Sequence[str]): The tool and its arguments.
            file (Path): Where the script goes.
            limit (int, optional): Tasks at a time.
            options (Sequence[str]): Options of sbatch.

        Returns:
            str: The script.
        """
        return slurm_script(
            tasks,
            states,
            command,
            {'CUPRE_DATA': str(self.data)},
            file,
            limit,
            options,
        )

    def _preparation(self) -> list[list[str]]:
        return preparation_commands(self.grid, self.data, self.tools)
