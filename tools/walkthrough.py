"""The whole method in one command, on generated or on real images.

Example:
    python tools/walkthrough.py demo
"""

import argparse
import json
import os
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cupre_mm.datasets.transforms.percentile_normalize import (
    stretch_to_uint8,
)
from cupre_mm.evaluation.loss_curves import save_loss_curves
from cupre_mm.evaluation.overlays import save_comparison
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.microscopy_io import read_image, to_three_channels

TOOLS = Path(__file__).resolve().parent
CONFIGS = TOOLS.parent / 'configs'
SHOWN_IMAGES = 3
SHOWN_SCORE = 0.3


@dataclass(frozen=True)
class Plan:
    """What a walkthrough trains, and on what.

    Attributes:
        name (str): Folder of its configs and work dirs.
        pretraining (dict[str, str | None]): Pre-training configs in order;
            each with the config whose result it starts from.
        arms (dict[str, str | None]): Title of each fine-tuning arm, by
            fine-tuning config; with the pre-training it starts from.
        labelled (str): Folder of the labelled cells under the data root.
    """

    name: str
    pretraining: dict[str, str | None]
    arms: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    labelled: str = ''


PLANS = {
    'demo': Plan(
        name='demo',
        pretraining={'warmup_demo': None, 'amt2_demo': 'warmup_demo'},
        arms={
            'scratch': ('finetune_scratch_demo', None),
            'AMT2': ('finetune_amt2_demo', 'amt2_demo'),
        },
        labelled='demo/cells_labelled',
    ),
    'mini': Plan(
        name='mini',
        pretraining={
            'warmup_mini': None,
            'coco_mini': 'warmup_mini',
            'amt2_mini': 'warmup_mini',
        },
        arms={
            'scratch': ('finetune_scratch_mini', None),
            'COCO': ('finetune_coco_mini', 'coco_mini'),
            'AMT2': ('finetune_amt2_mini', 'amt2_mini'),
        },
        labelled='bbbc038',
    ),
}


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
        help='Folder of all results. Defaults to work_dirs/PLAN.',
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
    return parser.parse_args(argv)


class Walkthrough:
    """Runs the steps of a plan, each as a command of its own.

    Args:
        args (argparse.Namespace): The command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.plan = PLANS[args.plan]
        self.data = Path(args.data).resolve()
        folder = args.work_dir or f'work_dirs/{args.plan}'
        self.work_dir = Path(folder).resolve()
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.labels = self.data / self.plan.labelled / 'annotations'

    def run(self) -> None:
        """Run all steps and show the results."""
        start = time.time()
        getattr(self, f'_prepare_{self.plan.name}')()
        self._run_tool(
            'dataset_converters/make_splits.py',
            self.labels / 'instances.json',
            self.labels / 'seed0',
        )
        if self.args.in_domain:
            self._list_training_images()
        for config, initial in self.plan.pretraining.items():
            self._train(config, initial)
        for config, initial in self.plan.arms.values():
            self._train(config, initial)
            self._test(config)
        self._show(time.time() - start)

    def _prepare_demo(self) -> None:
        self._run_tool(
            'make_demo_data.py', self.data / 'demo', '--size', self.args.size
        )

    def _prepare_mini(self) -> None:
        source = Path(self.args.source)
        archives = {
            'coco_mini.zip': 'coco_mini',
            'cells_unlabelled.zip': 'cells',
        }
        for name in ('bbbc038_stage1_train.zip', *archives):
            if not (source / name).is_file():
                raise MissingDataError(
                    f'{source / name} does not exist. Name the folder that '
                    'has it with --source; data/README.md says what it is.'
                )
        for name, folder in archives.items():
            if not (self.data / folder).is_dir():
                self._run_tool(
                    'dataset_converters/unpack.py',
                    source / name,
                    self.data / folder,
                )
        self._run_tool(
            'dataset_converters/bbbc038.py',
            source / 'bbbc038_stage1_train.zip',
            self.data / 'bbbc038',
        )

    def _list_training_images(self) -> None:
        split = json.loads((self.labels / 'seed0/train_100.json').read_text())
        lines = [f'bbbc038/images/{i["file_name"]}' for i in split['images']]
        target = self.data / 'cells' / 'bbbc038_train.txt'
        target.write_text('\n'.join(lines) + '\n')
        print(f'{len(lines)} BBBC038 training images listed in {target}')

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
        in_domain = self.args.in_domain and config == 'amt2_mini'
        name = 'amt2_in-domain_mini' if in_domain else config
        command = [self._config(name), '--work-dir', folder]
        if options:
            command += ['--cfg-options', *options]
        self._run_tool('train.py', *command)

    def _test(self, config: str) -> None:
        folder = self.work_dir / config
        if (folder / 'report.json').is_file():
            print(f'done before: {folder / "report.json"}')
            return
        self._run_tool(
            'test.py',
            self._config(config),
            self._checkpoint(config),
            '--work-dir',
            folder,
            '--out',
            folder / 'predictions.pkl',
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

    def _run_tool(self, tool: str, *arguments: str | Path) -> None:
        command = [sys.executable, str(TOOLS / tool), *map(str, arguments)]
        print('\n$ python', ' '.join(['tools/' + tool, *command[2:]]))
        log = self.work_dir / 'walkthrough.log'
        start = time.time()
        with log.open('a') as file:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, 'CUPRE_DATA': str(self.data)},
            )
            tail: list[str] = []
            for line in process.stdout:
                file.write(line)
                tail = [*tail[-20:], line]
                self._show_progress(line)
        if process.wait():
            sys.stdout.writelines(['\n', *tail])
            raise BadDataError(
                f'{tool} failed with exit code {process.returncode}; the '
                f'whole output is in {log}'
            )
        print(f'\r  done in {time.time() - start:.0f} s{" " * 60}')

    @staticmethod
    def _show_progress(line: str) -> None:
        found = re.search(
            r'(Iter\(train\)|Epoch\(test\)) *(\[ *\d+/\d+\]).*?eta: (\S+)',
            line,
        )
        if found:
            loss = re.search(r' loss: (\S+)', line)
            shown = f'  {found[1]} {found[2]} eta {found[3]}'
            shown += f' loss {loss[1]}' if loss else ''
            print(f'\r{shown:<70}', end='', flush=True)

    def _show(self, seconds: float) -> None:
        table = self._table()
        runs = [*self.plan.pretraining]
        runs += [config for config, _ in self.plan.arms.values()]
        curves = save_loss_curves(
            self.work_dir / 'losses.png',
            {name: self.work_dir / name for name in runs},
        )
        overlay = self._overlay()
        summary = self.work_dir / 'summary.md'
        summary.write_text(table + '\n')
        print(f'\n{table}\n')
        print(f'Table:       {summary}')
        print(f'Predictions: {overlay}')
        print(f'Losses:      {curves}')
        print(f'Log:         {self.work_dir / "walkthrough.log"}')
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
        truth = json.loads((self.labels / 'seed0' / 'test.json').read_text())
        predictions = {
            title: {
                sample['img_id']: sample['pred_instances']
                for sample in pickle.loads(
                    (self.work_dir / config / 'predictions.pkl').read_bytes()
                )
            }
            for title, (config, _) in self.plan.arms.items()
        }
        masks: dict[int, list] = {image['id']: [] for image in truth['images']}
        for annotation in truth['annotations']:
            masks[annotation['image_id']].append(annotation['segmentation'])
        # By rising number of cells, so that sparse and dense images show.
        by_count = sorted(
            truth['images'], key=lambda i: (len(masks[i['id']]), i['id'])
        )
        places = np.linspace(0.2, 0.8, SHOWN_IMAGES) * (len(by_count) - 1)
        rows = []
        for image in (by_count[int(place)] for place in places):
            columns = {'ground truth': masks[image['id']]}
            for title, samples in predictions.items():
                found = samples[image['id']]
                keep = found['scores'] >= SHOWN_SCORE
                columns[title] = [
                    mask for mask, ok in zip(found['masks'], keep) if ok
                ]
            path = self.labels.parent / 'images' / image['file_name']
            pixels = stretch_to_uint8(
                to_three_channels(read_image(path)), 1.0, 99.8
            )
            rows.append((pixels, columns))
        return save_comparison(
            self.work_dir / 'predictions.png',
            rows,
            f'{self.plan.name}: test images, predictions with a score of '
            f'{SHOWN_SCORE} or more (number of instances)',
        )


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
