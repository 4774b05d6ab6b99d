"""What is known of a task: a record in its folder, written whole."""

import hashlib
import json
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.benchmark_grid.grid_config import Grid
from cupre_mm.utils.benchmark_grid.tasks import Task
from cupre_mm.utils.benchmark_grid.training_config import (
    differing_keys,
    recipe_of,
)
from cupre_mm.utils.cli import REPORT_HOOK
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.file_checksums import sha256_of

RECIPE = 'recipe.json'
DONE, FAILED, RUNNING = 'done', 'failed', 'running'
_SHOWN_KEYS = 5
# What train.py and test.py set in the config that they write.
_SET_BY_TOOLS = re.compile(
    r'load_from|custom_hooks|(val|test)_evaluator.*\.detector_limit|'
    r'optim_wrapper\.((moco|det)\.)?(type|dtype|loss_scale)'
)
_READING = threading.Lock()


def record_file(task: Task, work_dir: Path) -> Path:
    """The file of a task's record.

    Args:
        task (Task): The task.
        work_dir (Path): Work dir of the benchmark.

    Returns:
        Path: ``cell.json`` or ``stage.json`` in its folder.
    """
    name = 'cell.json' if task.is_cell else 'stage.json'
    return work_dir / task.name / name


def read_record(task: Task, work_dir: Path) -> dict[str, Any]:
    """Read a record.

    Args:
        task (Task): The task.
        work_dir (Path): Work dir of the benchmark.

    Returns:
        dict: The record; empty where the task was never started, or the
        file is no record.
    """
    try:
        record = json.loads(record_file(task, work_dir).read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(task: Task, work_dir: Path, record: Mapping) -> None:
    """Write a record, whole or not at all.

    Args:
        task (Task): The task.
        work_dir (Path): Work dir of the benchmark.
        record (Mapping): Values that json has.
    """
    text = json.dumps(record, indent=1, default=str)
    write_atomically(record_file(task, work_dir), text.encode())


def is_done(task: Task, work_dir: Path) -> bool:
    """Whether a task never needs to run again.

    Args:
        task (Task): The task.
        work_dir (Path): Work dir of the benchmark.

    Returns:
        bool: True if its record says so and, for a stage, its weights are
        still there.
    """
    if read_record(task, work_dir).get('status') != DONE:
        return False
    return task.is_cell or (work_dir / task.name / task.checkpoint).is_file()


def check_same_recipe(task: Task, work_dir: Path) -> bool:
    """Refuse results of other settings.

    Args:
        task (Task): The task.
        work_dir (Path): Work dir of the benchmark.

    Returns:
        bool: False where what is there failed with other settings, so that
        it can be started anew.

    Raises:
        BadConfigError: If it was run, whole or in part, as something else.
    """
    record = read_record(task, work_dir)
    known = record.get('recipe_sha256')
    if known in (None, task.recipe_sha256):
        return True
    if record.get('status') == FAILED:
        return False
    folder = work_dir / task.name
    try:
        before = json.loads((folder / RECIPE).read_bytes())
    except (OSError, ValueError):
        before = {}
    now = json.loads(json.dumps(task.recipe, default=str))
    keys = differing_keys(before, now)
    changed = '; '.join(
        f'{key}={before.get(key)!r}, not {now.get(key)!r}'
        for key in keys[:_SHOWN_KEYS]
    )
    if len(keys) > _SHOWN_KEYS:
        changed += f'; and {len(keys) - _SHOWN_KEYS} more'
    raise BadConfigError(
        f'{folder} was run with other settings ({changed}): name another '
        'work dir, or delete that folder to run it anew'
    )


def write_recipe(task: Task, work_dir: Path) -> None:
    """Write what a task's result depends on beside its record.

    Args:
        task (Task): The task.
        work_dir (Path): Work dir of the benchmark.
    """
    text = json.dumps(task.recipe, indent=1, sort_keys=True, default=str)
    write_atomically(work_dir / task.name / RECIPE, text.encode())


def changes_of_config(task: Task, folder: Path) -> list[str]:
    """Find what a run had in its config other than was planned.

    Someone may have edited the training config in the meantime.

    Args:
        task (Task): The task, as planned.
        folder (Path): Its folder, with the config that the tools wrote.

    Returns:
        list[str]: Keys; empty where there is no such file.
    """
    file = folder / task.file.name
    if not file.is_file():
        return []
    # It imports the file by a name of its own, but changes the path.
    with _READING:
        ran = recipe_of(Config.fromfile(file))
    return [
        key
        for key in differing_keys(ran, recipe_of(task.config))
        if not _SET_BY_TOOLS.fullmatch(key) and ran.get(key) != REPORT_HOOK
    ]


def write_grid(
    grid: Grid,
    work_dir: Path,
    data: Path,
    tools: Path,
    budgets: list[dict],
) -> None:
    """Write ``benchmark.json``.

    Args:
        grid (Grid): The grid.
        work_dir (Path): Work dir of the benchmark.
        data (Path): Root of all data.
        tools (Path): Folder of the tools.
        budgets (list[dict]): What the pre-training of each arm sees.
    """
    content = dict(grid.content)
    content['title'] = grid.title
    content['arms'] = {
        name: {**content['arms'][name], 'title': arm.title}
        for name, arm in grid.arms.items()
    }
    content['seeds'] = {
        f'{size.number:g}': list(seeds) for size, seeds in grid.seeds.items()
    }
    controls = [*(content.get('controls') or ())]
    controls += [name for name, arm in grid.arms.items() if arm.control]
    content['controls'] = list(dict.fromkeys(controls))
    written = {
        'benchmark': content,
        'config_file': str(grid.file),
        'data_root': str(data),
        'pretraining_budgets': budgets,
        **git_state(tools),
    }
    text = json.dumps(written, indent=1, default=str)
    write_atomically(work_dir / 'benchmark.json', text.encode())


def git_state(folder: Path) -> dict[str, Any]:
    """Which state of the code a folder is of.

    Args:
        folder (Path): A folder of a checkout, or any other.

    Returns:
        dict: ``git_commit``, None where there is none, and ``git_dirty``,
        whether files differ from it or are new.
    """

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                # Another git command of the user's may have the lock.
                ['git', '--no-optional-locks', '-C', str(folder), *arguments],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    changed = git('status', '--porcelain')
    return {
        'git_commit': git('rev-parse', 'HEAD'),
        'git_dirty': None if changed is None else bool(changed),
    }


def describe_file(path: Path) -> dict[str, Any]:
    """Describe an annotation file.

    Args:
        path (Path): A COCO json.

    Returns:
        dict: ``file``, ``sha256``, ``images``, ``instances`` and, where it
        is a split, ``manifest_sha256``.
    """
    content = path.read_bytes()
    coco = json.loads(content)
    found = {
        'file': str(path),
        'sha256': hashlib.sha256(content).hexdigest(),
        'images': len(coco['images']),
        'instances': len(coco['annotations']),
    }
    manifest = path.parent / 'manifest.json'
    if manifest.is_file():
        found['manifest_sha256'] = sha256_of(manifest)
    return found


def now() -> str:
    """The time as records have it."""
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
