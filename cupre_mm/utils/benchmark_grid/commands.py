"""The commands of a task, as lists for a process and as text for a shell."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cupre_mm.utils.benchmark_grid.tasks import Task
from cupre_mm.utils.errors import BadConfigError

PREDICTIONS = 'predictions.pkl'
# mmengine's reader of options takes these for the syntax of lists.
_SYNTAX = frozenset(' ,[]()\'"\n\t')


def train_command(task: Task, work_dir: Path, tools: Path) -> list[str]:
    """The command that trains, or goes on training.

    Args:
        task (Task): The task.
        work_dir (Path): Work dir of the benchmark.
        tools (Path): Folder of train.py.

    Returns:
        list[str]: Program and arguments.

    Raises:
        BadConfigError: If an option cannot be written.
    """
    command = [sys.executable, str(tools / 'train.py'), str(task.file)]
    command += ['--work-dir', str(work_dir / task.name), '--resume']
    if task.amp:
        command += ['--amp', task.amp]
    return [*command, '--cfg-options', *_written(task)]


def test_command(
    task: Task, work_dir: Path, tools: Path, checkpoint: Path
) -> list[str]:
    """The command that tests a cell.

    Args:
        task (Task): The cell.
        work_dir (Path): Work dir of the benchmark.
        tools (Path): Folder of test.py.
        checkpoint (Path): The weights.

    Returns:
        list[str]: Program and arguments.

    Raises:
        BadConfigError: If an option cannot be written.
    """
    folder = work_dir / task.name
    return [
        *(sys.executable, str(tools / 'test.py'), str(task.file)),
        *(str(checkpoint), '--work-dir', str(folder)),
        *('--out', str(folder / PREDICTIONS)),
        # Those of the training too: the config is written to the folder again.
        *('--cfg-options', *_written(task)),
    ]


def shell_text(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Write a command as one line of a shell.

    Args:
        command (Sequence[str]): Program and arguments.
        environment (Mapping[str, str]): Variables to set for it.

    Returns:
        str: The line.
    """
    words = [
        f'{name}={shlex.quote(value)}' for name, value in environment.items()
    ]
    return ' '.join(words + [shlex.quote(word) for word in command])


def _written(task: Task) -> list[str]:
    return [
        f'{key}={_text(key, value)}'
        for key, value in flat_options(task.options).items()
        if key != 'work_dir'
    ]


def flat_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Write options that are dicts by dotted keys.

    Args:
        options (Mapping[str, Any]): Values, some of them dicts.

    Returns:
        dict[str, Any]: None of them a dict.
    """
    found = {}
    for key, value in options.items():
        if isinstance(value, Mapping) and value:
            nested = {f'{key}.{name}': one for name, one in value.items()}
            found.update(flat_options(nested))
        else:
            found[key] = value
    return found


def _text(key: str, value: Any, inside: bool = False) -> str:
    if isinstance(value, (list, tuple)):
        parts = [_text(key, part, True) for part in value]
        text = ','.join(parts)
        if isinstance(value, tuple):
            return f'({text}{"," if len(parts) == 1 else ""})'
        return f'[{text}]'
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, str) and value and not _SYNTAX & set(value):
        return value
    raise BadConfigError(
        f'{key}={value!r} cannot be given as an option: no spaces, commas, '
        'brackets, quotes or dicts in lists. Use a folder without them in its '
        'path, or a training config that has the value'
    )
