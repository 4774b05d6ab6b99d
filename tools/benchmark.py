"""Run the grid of a few-shot benchmark, as far as it is not done.

Example:
    python tools/benchmark.py configs/benchmark/fewshot_demo.py
"""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.benchmark_grid.benchmark import Benchmark
from cupre_mm.utils.benchmark_grid.display import Display
from cupre_mm.utils.benchmark_grid.grid_config import KEEP
from cupre_mm.utils.benchmark_grid.pool import RUNNABLE, Pool
from cupre_mm.utils.benchmark_grid.progress import counts_of
from cupre_mm.utils.benchmark_grid.records import FAILED
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.config_files import OptionsAction

TOOLS = Path(__file__).resolve().parent
_STOPPED_CODE = 75


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Pre-train, fine-tune and test every arm of a grid at '
        'every number of labels and seed. What is done is not done again, '
        'and what was interrupted goes on; several of these commands, on '
        'several machines too, may share a work dir.'
    )
    parser.add_argument('config', help='File of configs/benchmark.')
    parser.add_argument(
        '--work-dir',
        help='Folder of all results. Defaults to work_dirs/benchmark/ and '
        'the name of the config.',
    )
    parser.add_argument(
        '--data',
        default=os.environ.get('CUPRE_DATA') or 'data',
        help='Data root. Defaults to $CUPRE_DATA, else to data.',
    )
    parser.add_argument(
        '--only',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='Run a part of the grid: arm=coco,amt2 size=5pct seed=0, or '
        'stage=warmup. The pre-training that a cell needs is run too.',
    )
    parser.add_argument(
        '--retry-failed',
        action='store_true',
        help='Run what failed again; otherwise it stays failed.',
    )
    parser.add_argument(
        '--keep-checkpoints',
        choices=KEEP,
        help='Which weights to keep: of pre-training only; the final ones of '
        'the cells too; or all, those in between too. What finished tasks '
        'have kept beyond that is removed. Defaults to what the config '
        'says, else to pretraining, and removes nothing of finished tasks.',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        default={},
        help='Values to change in the benchmark config, each as key=value, '
        'such as benchmark.iterations=4.',
    )
    _add_devices(parser)
    _add_modes(parser)
    args = parser.parse_args(argv)
    if args.jobs is not None and args.jobs < 1:
        parser.error('--jobs must be at least 1')
    if args.slurm_limit is not None and args.slurm_limit < 1:
        parser.error('--slurm-limit must be at least 1')
    if args.slurm and (args.devices or args.jobs):
        parser.error(
            '--slurm runs one task a job, on what the job gets: leave '
            '--devices and --jobs out and ask for GPUs by --slurm-options'
        )
    return args


def _add_devices(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        '--jobs',
        type=int,
        help='Tasks at a time: on the GPUs in turn, without one on the CPU, '
        'whose cores they share. Defaults to one a GPU, or one.',
    )
    group.add_argument(
        '--devices',
        nargs='+',
        metavar='DEVICE',
        help='A device for each task at a time, such as cuda:0 cuda:1 cpu; '
        'one may be named twice.',
    )


def _add_modes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--no-report', action='store_true', help='Write no tables or plots.'
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        '--dry-run',
        action='store_true',
        help='Print the commands that would be run, for a shell, and what is '
        'done; run nothing.',
    )
    group.add_argument(
        '--status',
        action='store_true',
        help='Print a table of what is done; run nothing.',
    )
    group.add_argument(
        '--slurm',
        metavar='FILE',
        help='Write a script that runs what is missing as job arrays of '
        'Slurm, submitted with: bash FILE.',
    )
    group.add_argument(
        '--prepare',
        action='store_true',
        help='Make the data, splits and lists that are missing and check '
        'them; train nothing.',
    )
    group.add_argument(
        '--report-only',
        action='store_true',
        help='Write tables and plots of what is done; run nothing.',
    )
    parser.add_argument(
        '--slurm-limit',
        type=int,
        help='Array tasks at a time, all unless given.',
    )
    parser.add_argument(
        '--slurm-options',
        default='',
        help='Options of sbatch, in one argument: --slurm-options="--gres '
        'gpu:1 --time 4:00:00".',
    )


def run(benchmark: Benchmark, args: argparse.Namespace) -> int:
    """Run what is missing.

    Args:
        benchmark (Benchmark): The benchmark.
        args (argparse.Namespace): The command line.

    Returns:
        int: Exit code: 0, 1 if something failed, 75 after SIGTERM, 130
        after Ctrl-C.
    """
    benchmark.prepare()
    tasks = benchmark.selected(args.only)
    slots = benchmark.slots(args.jobs, args.devices)
    print(benchmark.budgets_text())
    stop = benchmark.execution.stop
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, frame: stop.ask(received))
    display = Display(benchmark, tasks, len(slots))
    pool = Pool(
        benchmark.execution, tasks, slots, display.show, args.retry_failed
    )
    display.states = pool.states
    devices = ', '.join(slot.device for slot in slots)
    print(f'{counts_of(pool.states)}; running on {devices}', flush=True)
    pool.run(display.tick)
    failures = benchmark.write_failures()
    if stop.is_asked:
        print('stopped; run the same command to go on', file=sys.stderr)
        return 130 if stop.signal == signal.SIGINT else _STOPPED_CODE
    benchmark.report(quick=not benchmark.is_over())
    print(f'{counts_of(pool.states)}; results are in {benchmark.work_dir}')
    for line in failures:
        print(f'failed: {line}', file=sys.stderr)
    own = set(pool.states.values())
    if own & {FAILED, 'blocked'}:
        return 1
    return _STOPPED_CODE if 'stopped' in own else 0


def write_slurm(benchmark: Benchmark, args: argparse.Namespace) -> int:
    """Write the script for Slurm.

    Args:
        benchmark (Benchmark): The benchmark.
        args (argparse.Namespace): The command line.

    Returns:
        int: Exit code 0.
    """
    # Not in every task at the same time.
    benchmark.prepare()
    command = [str(TOOLS / 'benchmark.py'), str(benchmark.grid.file)]
    command += ['--work-dir', str(benchmark.work_dir)]
    command += ['--data', str(benchmark.data), '--jobs', '1']
    if args.keep_checkpoints:
        command += ['--keep-checkpoints', args.keep_checkpoints]
    command += ['--no-report'] * args.no_report
    if args.cfg_options:
        given = [f'{key}={value}' for key, value in args.cfg_options.items()]
        command += ['--cfg-options', *given]
    file = Path(args.slurm).resolve()
    tasks = benchmark.selected(args.only)
    if args.retry_failed:
        # Not the flag in each job: one would repeat a stage that failed again.
        benchmark.forget_failures(tasks)
    states = benchmark.states(tasks)
    if not set(states.values()) & RUNNABLE:
        print(f'{counts_of(states)}: nothing is left to run', file=sys.stderr)
        return 0
    text = benchmark.slurm_text(
        tasks,
        states,
        command,
        file,
        args.slurm_limit,
        shlex.split(args.slurm_options),
    )
    write_atomically(file, text.encode())
    print(f'Submit with: bash {shlex.quote(str(file))}')
    return 0


def _write_results(work_dir: Path, *, quick: bool) -> list[Path]:
    # Imports mmdet and more, which most calls of this tool do not need.
    from cupre_mm.evaluation.benchmark_results import write_results

    return write_results(work_dir, quick=quick)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        int: Exit code.
    """
    args = parse_args(argv)
    config = Path(args.config)
    work_dir = args.work_dir or f'work_dirs/benchmark/{config.stem}'
    benchmark = Benchmark(
        config,
        Path(work_dir).resolve(),
        Path(args.data).resolve(),
        TOOLS,
        options=args.cfg_options,
        keep_checkpoints=args.keep_checkpoints,
        write_results=None if args.no_report else _write_results,
    )
    if args.report_only:
        for path in benchmark.report(quick=False, must_succeed=True):
            print(f'written: {path}')
        return 0
    if args.prepare:
        benchmark.prepare()
        print(f'The data of {config} is ready in {benchmark.data}')
        return 0
    if args.slurm:
        return write_slurm(benchmark, args)
    if not (args.dry_run or args.status):
        return run(benchmark, args)
    tasks = benchmark.selected(args.only)
    if args.status:
        print(benchmark.status_text(tasks))
    else:
        slots = [None]
        if args.jobs or args.devices:
            slots = benchmark.slots(args.jobs, args.devices)
        states = benchmark.states(tasks, args.retry_failed)
        print(benchmark.dry_run_text(tasks, states, slots))
    return 0


if __name__ == '__main__':
    sys.exit(main())
