"""A script that runs a grid as job arrays of Slurm."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cupre_mm.utils.benchmark_grid.pool import RUNNABLE
from cupre_mm.utils.benchmark_grid.tasks import Task

_SCRIPT = r"""#!/bin/bash
# {title}: {number} tasks as job arrays, one after the other.
# Submit with: bash {name}
set -u

benchmark=({command})
cd {folder} || exit 1
{exports}
{arrays}

if [[ ${{1:-}} != run ]]; then
    # afterany: what needs a failed stage says so and leaves the others alone.
    before=
    for level in {levels}; do
        declare -n tasks="level_$level"
        before=$(sbatch --parsable --job-name="{job}-$level" \
            --array="0-$((${{#tasks[@]}} - 1)){limit}" \
            ${{before:+--dependency=afterany:$before}} \
            --signal=B:TERM@120 {options}"$0" run "$level") || exit 1
        before=${{before%%;*}}
        echo "level $level: ${{#tasks[@]}} tasks, job $before"
    done
    exit 0
fi

declare -n tasks="level_$2"
# Words of the task are arguments of their own.
"${{benchmark[@]}}" --only ${{tasks[$SLURM_ARRAY_TASK_ID]}} &
child=$!
trap 'kill -TERM "$child"' TERM
code=0
wait "$child" || code=$?
while kill -0 "$child" 2> /dev/null; do
    code=0
    wait "$child" || code=$?
done
# Out of time: its checkpoint is written, and another job goes on from it.
if [[ $code == 75 ]]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
"""


def slurm_script(
    tasks: Mapping[str, Task],
    states: Mapping[str, str],
    command: Sequence[str],
    variables: Mapping[str, str],
    file: Path,
    limit: int | None = None,
    options: Sequence[str] = (),
) -> str:
    """Write the script.

    Args:
        tasks (Mapping[str, Task]): Tasks by name.
        states (Mapping[str, str]): State of each; those done, failed or
            blocked are left out.
        command (Sequence[str]): Arguments of tools/benchmark.py that run
            the grid, with the tool.
        variables (Mapping[str, str]): Variables of all tasks.
        file (Path): Where the script goes.
        limit (int, optional): Tasks at a time. Defaults to no limit.
        options (Sequence[str]): Further options of sbatch. Defaults to ().

    Returns:
        str: A script for bash.
    """
    levels: dict[int, list[str]] = {}
    depth: dict[str | None, int] = {None: -1}
    for name, task in tasks.items():
        # Cells come last, whatever they start from.
        own = depth[task.needs] + 1
        depth[name] = own
        if states[name] in RUNNABLE:
            key = sys.maxsize if task.is_cell else own
            levels.setdefault(key, []).append(_only(task))
    ordered = [levels[key] for key in sorted(levels)]
    arrays = '\n'.join(
        f'level_{index}=(\n'
        + ''.join(f'    {shlex.quote(one)}\n' for one in level)
        + ')'
        for index, level in enumerate(ordered)
    )
    exports = '\n'.join(
        f'export {name}={shlex.quote(value)}'
        for name, value in variables.items()
    )
    return _SCRIPT.format(
        title=file.stem,
        number=sum(map(len, ordered)),
        name=shlex.quote(str(file)),
        command=shlex.join([sys.executable, *command]),
        folder=shlex.quote(str(Path.cwd())),
        exports=exports,
        arrays=arrays,
        levels=' '.join(map(str, range(len(ordered)))),
        job=file.stem,
        limit=f'%{limit}' if limit else '',
        options=''.join(f'{shlex.quote(one)} ' for one in options),
    )


def _only(task: Task) -> str:
    if task.is_cell:
        return f'arm={task.arm} size={task.size.name} seed={task.seed}'
    return f'stage={task.name.partition("/")[2]}'
