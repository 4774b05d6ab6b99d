"""The whole method in one command, on generated or on real images.

Example:
    python tools/walkthrough.py demo
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cupre_mm.evaluation.loss_curves import save_loss_curves
from cupre_mm.evaluation.overlays import (
    choose_comparison,
    save_comparison,
)
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.microscopy_io import read_image, to_three_channels
from cupre_mm.utils.mini_data import mini_data_commands
from cupre_mm.utils.run_settings import check_settings
from cupre_mm.utils.tool_runner import run_logged
from cupre_mm.utils.walkthrough_plans import PLANS

TOOLS = Path(__file__).resolve().parent
CONFIGS = TOOLS.parent / 'configs'
SHOWN_IMAGES = 3
SHOWN_SCORE = 0.3


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Make or convert the data, warm a detector up, pre-train '
        'it by AMT2, fine-tune it on 5 % of the labels in every arm at the '
        'same budget, and test. Steps that are done are not done again.'
    )
    parser.add_argument(
        'plan',
        choices=sorted(PLANS),
        help='demo: generated images, minutes. mini: the real images of '
        '--source, under an hour on two cores.',
    )
    parser.add_argument(
        '--data', default='data', help='Data root. Defaults to data.'
    )
    parser.add_argument(
        '--source',
        default='../shared/data',
        help='Folder with bbbc038_stage1_train.zip, coco_mini.zip and '
        'cells_unlabelled.zip, for mini. Defaults to ../shared/data.',
    )
    parser.add_argument(
        '--work-dir',
        help='Folder of all results. Defaults to work_dirs/PLAN, with '
        '--in-domain to work_dirs/PLAN_in-domain.',
    )
    parser.add_argument(
        '--in-domain',
        action='store_true',
        help="Add BBBC038's own training images, without labels, to the "
        'unlabelled pool of mini. The test part stays out.',
    )
    parser.add_argument(
        '--max-iters',
        type=int,
        help='Cut every training to this many iterations, to try the '
        'pipeline out.',
    )
    parser.add_argument(
        '--size',
        default='demo',
        choices=('tiny', 'demo'),
        help='Size of the generated data set of demo. Defaults to demo.',
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=2 if (os.cpu_count() or 1) > 1 else 1,
        help='Trainings at a time; they share the cores. On a CPU two of '
        'one thread get further than one of two. Defaults to 2, and to 1 on '
        'one core.',
    )
    args = parser.parse_args(argv)
    if args.in_domain and args.plan != 'mini':
        parser.error('--in-domain is for mini')
    if args.max_iters is not None and args.max_iters < 1:
        parser.error('--max-iters must be at least 1')
    if args.jobs < 1:
        parser.error('--jobs must be at least 1')
    return args


class Walkthrough:
    """Runs the steps of a plan, each as a command of its own.

    Args:
        args (argparse.Namespace): The command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.plan = PLANS[args.plan]
        self.data = Path(args.data).resolve()
        name = args.plan + ('_in-domain' if args.in_domain else '')
        self.work_dir = Path(args.work_dir or f'work_dirs/{name}').resolve()
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.labels = self.data / self.plan.labelled / 'annotations'

    def run(self) -> None:
        """Run all steps and show the results."""
        start = time.time()
        names = ('plan', 'size', 'max_iters', 'in_domain')
        asked = {name: getattr(self.args, name) for name in names}
        check_settings(self.work_dir, {**asked, 'data': str(self.data)})
        getattr(self, f'_prepare_{self.plan.name}')()
        self._run_tool(
            'dataset_converters/make_splits.py',
            self.labels / 'instances.json',
            self.labels / 'seed0',
        )
        if self.args.in_domain:
            self._run_tool(
                'dataset_converters/list_images.py',
                self.labels / 'seed0' / 'train_100.json',
                self.data / 'cells' / 'bbbc038_train.txt',
                '--folder',
                'bbbc038/images',
            )
        self._train_all()
        self._show(time.time() - start)

    def _train_all(self) -> None:
        """Train and test, side by side what does not build on another."""
        done: dict[str, Future] = {}

        def pretrain(config: str, initial: str | None) -> None:
            if initial is not None:
                done[initial].result()
            self._train(config, initial)

        def finetune(config: str, initial: str | None) -> None:
            pretrain(config, initial)
            self._test(config)

        # In the order of what waits for what, so that a job never waits
        # for one that has not started.
        with ThreadPoolExecutor(self.args.jobs) as pool:
            for config, initial in self.plan.pretraining.items():
                done[config] = pool.submit(pretrain, config, initial)
                if initial is None:
                    self._submit_arms(pool, done, finetune, None)
            for source in self.plan.pretraining:
                self._submit_arms(pool, done, finetune, source)
            failed = [job.exception() for job in done.values()]
        for error in filter(None, failed):
            raise error

    def _submit_arms(
        self,
        pool: ThreadPoolExecutor,
        done: dict[str, Future],
        finetune: Callable[[str, str | None], None],
        source: str | None,
    ) -> None:
        for config, initial in self.plan.arms.values():
            if initial == source:
                done[config] = pool.submit(finetune, config, initial)

    def _prepare_demo(self) -> None:
        self._run_tool(
            'make_demo_data.py', self.data / 'demo', '--size', self.args.size
        )

    def _prepare_mini(self) -> None:
        source = Path(self.args.source)
        for tool, *arguments in mini_data_commands(source, self.data):
            self._run_tool(tool, *arguments)

    def _train(self, config: str, initial: str | None) -> None:
        folder = self.work_dir / config
        if self._checkpoint(config, must_exist=False):
            print(f'done before: {folder}')
            return
        options = []
        if initial is not None:
            options.append(f'load_from={self._checkpoint(initial)}')
        if self.args.max_iters:
            options.append(f'train_cfg.max_iters={self.args.max_iters}')
            # A loss curve needs a line in the log.
            interval = min(10, self.args.max_iters)
            options.append(f'default_hooks.logger.interval={interval}')
        in_domain = self.args.in_domain and config == 'amt2_mini'
        name = 'amt2_in-domain_mini' if in_domain else config
        command = [self._config(name), '--work-dir', folder]
        if options:
            command += ['--cfg-options', *options]
        self._run_tool('train.py', *command, job=config)

    def _test(self, config: str) -> None:
        folder = self.work_dir / config
        report = folder / 'report.json'
        predictions = folder / 'predictions.pkl'
        if report.is_file() and predictions.is_file():
            print(f'done before: {report}')
            return
        self._run_tool(
            'test.py',
            self._config(config),
            self._checkpoint(config),
            '--work-dir',
            folder,
            '--out',
            predictions,
            job=f'test_{config}',
        )

    def _config(self, name: str) -> Path:
        return CONFIGS / self.plan.name / f'{name}.py'

    def _checkpoint(self, config: str, must_exist: bool = True) -> str:
        pointer = self.work_dir / config / 'last_checkpoint'
        if pointer.is_file():
            return pointer.read_text().strip()
        if must_exist:
            raise MissingDataError(
                f'{pointer} does not exist: the training of {config} did not '
                'finish. Delete its folder and run this command again.'
            )
        return ''

    def _run_tool(
        self, tool: str, *arguments: str | Path, job: str = ''
    ) -> None:
        command = [sys.executable, str(TOOLS / tool), *map(str, arguments)]
        print('$ python', ' '.join(['tools/' + tool, *command[2:]]))
        name = job or Path(tool).stem
        threads = max(1, (os.cpu_count() or 1) // self.args.jobs)
        seconds = run_logged(
            command,
            self.work_dir / f'{name}.log',
            {
                'CUPRE_DATA': str(self.data),
                # The caller's choice of splits is for other runs.
                'CUPRE_SPLITS': 'annotations/seed0',
                'CUPRE_TRAIN_SPLIT': 'train_5',
                'OMP_NUM_THREADS': str(threads),
            },
        )
        print(f'  {name}: done in {seconds:.0f} s', flush=True)

    def _show(self, seconds: float) -> None:
        table = self._table()
        arms = [config for config, _ in self.plan.arms.values()]
        curves = save_loss_curves(
            self.work_dir / 'losses.png',
            {n: self.work_dir / n for n in (*self.plan.pretraining, *arms)},
        )
        overlay = self._overlay()
        summary = self.work_dir / 'summary.md'
        summary.write_text(table + '\n')
        print(f'\n{table}\n')
        print(f'Table:       {summary}')
        print(f'Predictions: {overlay}')
        print(f'Losses:      {curves}')
        print(f'Logs:        {self.work_dir / "*.log"}')
        print(f'This run took {seconds / 60:.1f} minutes.')

    def _table(self) -> str:
        lines = ['| arm | AP_bbox | AP_segm |', '| --- | --- | --- |']
        for title, (config, _) in self.plan.arms.items():
            report = self.work_dir / config / 'report.json'
            metrics = json.loads(report.read_text())['metrics']
            box, mask = (
                100 * metrics[f'coco/{kind}_mAP'] for kind in ('bbox', 'segm')
            )
            lines.append(f'| {title} | {box:.1f} | {mask:.1f} |')
        return '\n'.join(lines)

    def _overlay(self) -> Path:
        files = {
            title: self.work_dir / config / 'predictions.pkl'
            for title, (config, _) in self.plan.arms.items()
        }
        truth = self.labels / 'seed0' / 'test.json'
        rows = choose_comparison(truth, files, SHOWN_IMAGES, SHOWN_SCORE)
        folder = self.labels.parent / 'images'
        return save_comparison(
            self.work_dir / 'predictions.png',
            [(_shown(folder / name), masks) for name, masks in rows],
            f'{self.plan.name}: test images, predictions with a score of '
            f'{SHOWN_SCORE} or more (number of instances)',
        )


def _shown(path: Path) -> np.ndarray:
    """An image as the networks see it."""
    return stretch_to_uint8(to_three_channels(read_image(path)), 1.0, 99.8)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Run the walkthrough.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.
    """
    Walkthrough(parse_args(argv)).run()


if __name__ == '__main__':
    main()
