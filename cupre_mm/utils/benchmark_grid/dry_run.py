"""What a grid would run, as commands for a shell."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from cupre_mm.utils.benchmark_grid.commands import (
    shell_text,
    test_command,
    train_command,
)
from cupre_mm.utils.benchmark_grid.devices import Slot
from cupre_mm.utils.benchmark_grid.execution import Execution
from cupre_mm.utils.benchmark_grid.pool import WAITING
from cupre_mm.utils.benchmark_grid.tasks import Task


def dry_run_text(
    execution: Execution,
    tasks: Mapping[str, Task],
    states: Mapping[str, str],
    slots: Sequence[Slot | None],
    preparation: Sequence[Sequence[str]],
) -> str:
    """Write the commands, with comments for a shell.

    Args:
        execution (Execution): Knows folders and variables.
        tasks (Mapping[str, Task]): Tasks by name.
        states (Mapping[str, str]): State of each.
        slots (Sequence[Slot | None]): Devices, given to the tasks in turn;
            None leaves the choice to the shell.
        preparation (Sequence[Sequence[str]]): Commands that make the data.

    Returns:
        str: Lines that bash can run in this order.
    """
    lines = []
    if preparation:
        lines += ['# data', *map(shlex.join, preparation), '']
    for index, (name, task) in enumerate(tasks.items()):
        after = f', after {task.needs}' if task.needs else ''
        lines.append(f'# {name}: {states[name]}{after}')
        if states[name] == WAITING:
            slot = slots[index % len(slots)]
            lines += _commands(execution, task, slot)
    return '\n'.join(lines)


def _commands(
    execution: Execution, task: Task, slot: Slot | None
) -> list[str]:
    work_dir, tools = execution.work_dir, execution.tools
    environment = execution.environment(task, slot)
    commands = [train_command(task, work_dir, tools)]
    if task.is_cell:
        weights: Path = work_dir / task.name / task.checkpoint
        commands.append(test_command(task, work_dir, tools, weights))
    return [shell_text(command, environment) for command in commands]
