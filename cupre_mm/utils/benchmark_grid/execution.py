"""Runs one task: train, test, record, tidy up."""

import json
import re
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from cupre_mm.utils.benchmark_grid.claims import Claim
from cupre_mm.utils.benchmark_grid.commands import (
    test_command,
    train_command,
)
from cupre_mm.utils.benchmark_grid.devices import Slot
from cupre_mm.utils.benchmark_grid.grid_config import Grid
from cupre_mm.utils.benchmark_grid.processes import (
    Stop,
    run_process,
    tail_of,
)
from cupre_mm.utils.benchmark_grid.records import (
    DONE,
    FAILED,
    RUNNING,
    changes_of_config,
    check_same_recipe,
    describe_file,
    git_state,
    is_done,
    now,
    read_record,
    write_recipe,
    write_record,
)
from cupre_mm.utils.benchmark_grid.tasks import Task
from cupre_mm.utils.benchmark_grid.training_config import (
    annotation_file,
    dataset_of,
)
from cupre_mm.utils.errors import UserError
from cupre_mm.utils.file_checksums import sha256_of
from cupre_mm.utils.software_versions import stack_versions
from cupre_mm.utils.whole_file import remove_stale_parts

TAKEN, STOPPED = 'taken', 'stopped'
TRAIN_LOG, TEST_LOG = 'train.log', 'test.log'
# tools/train.py exits with it after it was told to stop and saved.
_STOPPED_CODE = 75
_ERROR_LINES = 30
_STEP = re.compile(r'iter_(\d+)\.pth')


class Execution:
    """Runs tasks of a grid.

    Args:
        grid (Grid): The grid.
        work_dir (Path): Work dir of the benchmark.
        data (Path): Root of all data.
        tools (Path): Folder of train.py and test.py.
        stop (Stop): Asks running tasks to stop.
        keep_as_before (bool): Whether weights that were to be kept when
            their task ran are, whatever the grid says now. Defaults to
            True.
    """

    def __init__(
        self,
        grid: Grid,
        work_dir: Path,
        data: Path,
        tools: Path,
        stop: Stop,
        keep_as_before: bool = True,
    ) -> None:
        self.grid, self.work_dir, self.data = grid, work_dir, data
        self.tools, self.stop = tools, stop
        self.keep_as_before = keep_as_before

    def environment(self, task: Task, slot: Slot | None) -> dict[str, str]:
        """Variables of a task's processes.

        Args:
            task (Task): The task.
            slot (Slot, optional): Where it runs; None for anywhere.

        Returns:
            dict[str, str]: Values by name.
        """
        return {
            'CUPRE_DATA': str(self.data),
            **task.environment,
            **(slot.environment if slot else {}),
        }

    def run(self, task: Task, slot: Slot, again: bool = False) -> str:
        """Run a task, if it is not done and no other process does.

        Args:
            task (Task): The task.
            slot (Slot): Where to.
            again (bool): Whether to run one that failed. Defaults to False.

        Returns:
            str: ``'done'``, ``'failed'``, ``'stopped'``, or ``'taken'``
            where another process has it.

        Raises:
            BadConfigError: If it was begun with other settings.
        """
        claim = Claim(self.work_dir / task.name)
        if not claim.take():
            return TAKEN
        try:
            # Another process may have finished it a moment ago.
            if is_done(task, self.work_dir):
                return DONE
            record = read_record(task, self.work_dir)
            if record.get('status') == FAILED and not again:
                return FAILED
            return self._run(task, slot, claim)
        finally:
            claim.release()

    def _run(self, task: Task, slot: Slot, claim: Claim) -> str:
        folder = self.work_dir / task.name
        if not check_same_recipe(task, self.work_dir):
            for path in folder.glob('*.pth'):
                path.unlink(missing_ok=True)
        try:
            return self._run_parts(task, slot, claim)
        except UserError:
            # Such as an option that cannot be written: it is every task's.
            raise
        # What is wrong with one task must not end the others.
        except Exception:
            if claim.is_lost:
                return TAKEN
            record = {**task.described, **read_record(task, self.work_dir)}
            record['recipe_sha256'] = task.recipe_sha256
            record['error'] = traceback.format_exc()
            record.pop('attempt_started', None)
            return self._ended(task, record, FAILED)

    def _run_parts(self, task: Task, slot: Slot, claim: Claim) -> str:
        folder = self.work_dir / task.name
        record = self._begin(task, slot)
        remove_stale_parts(folder)
        train = train_command(task, self.work_dir, self.tools)
        commands = [('train', train, TRAIN_LOG)]
        if task.is_cell:
            weights = folder / task.checkpoint
            test = test_command(task, self.work_dir, self.tools, weights)
            commands.append(('test', test, TEST_LOG))
        record['command'] = [command for _, command, _ in commands]
        for part, command, log_name in commands:
            if part == 'train' and (folder / task.checkpoint).is_file():
                continue
            if part == 'train':
                record.pop('config_changes', None)
            if self.stop.is_asked:
                return self._ended(task, record, STOPPED)
            log, start = folder / log_name, time.time()
            first = _last_step(folder)
            record['environment'] = self.environment(task, slot)
            record['attempt_started'] = start
            write_record(task, self.work_dir, record)
            code = run_process(
                command,
                log,
                record['environment'],
                self.stop,
                claim.name_child,
                lambda: claim.is_lost,
            )
            seconds = time.time() - start
            record['seconds'] = record.get('seconds', 0.0) + seconds
            name = f'{part}_seconds'
            record[name] = record.get(name, 0.0) + seconds
            record.pop('attempt_started')
            if claim.is_lost:
                return TAKEN
            if code == 0 and part == 'train':
                steps = task.iterations - first
                record['seconds_per_iteration'] = seconds / max(1, steps)
                # The test writes its own config over that of the training.
                self._note_changes(task, record)
            told = code in (_STOPPED_CODE, -signal.SIGTERM)
            if code and (self.stop.is_asked or told):
                return self._ended(task, record, STOPPED)
            if code:
                record['error'] = self._error(command, code, log)
                return self._ended(task, record, FAILED)
        return self._finish(task, record)

    def _begin(self, task: Task, slot: Slot) -> dict[str, Any]:
        folder = self.work_dir / task.name
        record = read_record(task, self.work_dir)
        if 'attempt_started' in record:
            # Killed: what it took is known from the log's last line.
            logs = [folder / TRAIN_LOG, folder / TEST_LOG]
            ends = [log.stat().st_mtime for log in logs if log.is_file()]
            lost = max([*ends, 0]) - record.pop('attempt_started')
            record['seconds'] = record.get('seconds', 0.0) + max(0.0, lost)
        for key in ('error', 'finished', 'metrics'):
            record.pop(key, None)
        record = {
            **task.described,
            **record,
            **task.described,
            'status': RUNNING,
            'started': record.get('started') or now(),
            'attempts': record.get('attempts', 0) + 1,
            'device': slot.device,
            'recipe_sha256': task.recipe_sha256,
            'config_file': str(folder / task.file.name),
            'config_source': str(task.file),
            'keep_checkpoints': self.grid.keep_checkpoints,
            # That of a cell's test, which is the same, replaces it.
            'versions': stack_versions(),
            **git_state(self.tools),
        }
        if task.start is not None:
            record['start'] = task.start
            # Of a download only the name is known.
            record['start_sha256'] = sha256_of(Path(task.start))
        for part, loader in (
            ('split', 'train_dataloader'),
            ('test', 'test_dataloader'),
        ):
            found = dataset_of(task.config, loader) if task.is_cell else None
            if found is not None:
                record[part] = describe_file(annotation_file(found[1]))
        write_recipe(task, self.work_dir)
        write_record(task, self.work_dir, record)
        return record

    def _finish(self, task: Task, record: dict[str, Any]) -> str:
        folder = self.work_dir / task.name
        weights = folder / task.checkpoint
        if not weights.is_file():
            record['error'] = (
                f'train.py ended without an error and without {weights}'
            )
            return self._ended(task, record, FAILED)
        record['checkpoint_sha256'] = sha256_of(weights)
        if task.is_cell:
            report = json.loads((folder / 'report.json').read_bytes())
            record['metrics'] = report['metrics']
            record['versions'] = report.get('versions', {})
        self._ended(task, record, DONE)
        self.tidy(task)
        return DONE

    def _note_changes(self, task: Task, record: dict[str, Any]) -> None:
        changed = changes_of_config(task, self.work_dir / task.name)
        if changed:
            record['config_changes'] = changed
            print(
                f'warning: {task.name} ran with a config that was changed '
                f'since this tool was started: {", ".join(changed)}',
                file=sys.stderr,
            )

    def tidy(self, task: Task) -> None:
        """Remove the weights of a finished task that are not to be kept.

        Args:
            task (Task): The task.
        """
        folder = self.work_dir / task.name
        keep = self.grid.keep_checkpoints
        if self.keep_as_before:
            record = read_record(task, self.work_dir)
            keep = record.get('keep_checkpoints', keep)
        if keep == 'all':
            return
        for path in folder.glob('iter_*.pth'):
            final = path.name == task.checkpoint
            if not final or (task.is_cell and keep == 'pretraining'):
                # Two processes may tidy the same folder.
                path.unlink(missing_ok=True)
        if task.is_cell and keep == 'pretraining':
            (folder / 'last_checkpoint').unlink(missing_ok=True)

    def _ended(self, task: Task, record: dict[str, Any], status: str) -> str:
        if status != STOPPED:
            record['status'] = status
            record['finished'] = now()
        write_record(task, self.work_dir, record)
        return status

    @staticmethod
    def _error(command: list[str], code: int, log: Path) -> str:
        ended = f'exit code {code}'
        if code < 0:
            ended = f'killed by signal {-code}'
            if code == -signal.SIGKILL:
                ended += ', as when the memory is used up'
        tool = Path(command[1]).name
        return f'{tool}: {ended}\n{tail_of(log, _ERROR_LINES)}'


def _last_step(folder: Path) -> int:
    """Iteration of the last checkpoint, which training goes on from."""
    steps = [_STEP.fullmatch(path.name) for path in folder.glob('iter_*.pth')]
    return max((int(found[1]) for found in steps if found), default=0)
