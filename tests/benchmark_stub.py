"""A benchmark whose trainings take no time: real processes, no network.

``train.py`` counts iterations and keeps checkpoints as tools/train.py does:
it resumes, saves and exits with 75 on SIGTERM, and fails where it is told.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_COMMON = """
import json, os, re, signal, sys, time
from pathlib import Path

arguments = sys.argv[1:]
folder = Path(arguments[arguments.index('--work-dir') + 1])
folder.mkdir(parents=True, exist_ok=True)
options = dict(one.split('=', 1) for one in arguments if '=' in one)
settings = os.environ.get('STUB', '{}')
settings = json.loads(settings).get(folder.relative_to(
    next(p for p in folder.parents if (p / 'benchmark.json').exists())
).as_posix(), {})
"""
TRAIN = (
    _COMMON
    + """
number = int(options['train_cfg.max_iters'])
every = int(options['default_hooks.checkpoint.interval'])
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
files = {int(re.findall(r'\\d+', p.name)[0]): p
         for p in folder.glob('iter_*.pth')}
done = max(files, default=0)
with (folder / 'steps.txt').open('a') as steps:
    print('start', done, options['load_from'], file=steps, flush=True)
    while done < number:
        time.sleep(settings.get('sleep', 0.0))
        done += 1
        print(done, file=steps, flush=True)
        print(f'Iter(train) [{done}/{number}]  eta: 0:00:01  time: 0.01')
        if done == settings.get('fail_at'):
            sys.exit('the stub was told to fail')
        if done % every == 0 or done == number or stopped:
            part = folder / 'part'
            part.write_text(f'weights {done}')
            os.replace(part, folder / f'iter_{done}.pth')
            for old in files.values():
                old.unlink(missing_ok=True)
            files = {done: folder / f'iter_{done}.pth'}
            (folder / 'last_checkpoint').write_text(str(files[done]))
        if stopped and done < number:
            sys.exit(75)
"""
)
TEST = (
    _COMMON
    + """
assert Path(arguments[1]).is_file(), arguments[1]
time.sleep(settings.get('test_sleep', 0.0))
if settings.get('test_fails'):
    sys.exit('no such metric')
# As tools/test.py does, over the config of the training.
(folder / Path(arguments[0]).name).write_bytes(Path(arguments[0]).read_bytes())
(folder / 'predictions.pkl').write_bytes(b'')
(folder / 'report.json').write_text(settings.get('report', json.dumps(dict(
    metrics={'coco/bbox_mAP': 0.25, 'coco/segm_mAP': 0.24},
    versions={'torch': '2.0'}))))
with (folder / 'tests.txt').open('a') as file:
    file.write('tested\\n')
"""
)
TRAINING_CONFIG = """
model = dict(type='Model', width=8)
train_cfg = dict(type='cupre_mm.ResumableTrainLoop', max_iters=8)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=2),
    dict(type='MultiStepLR', begin=0, end=8, milestones=[6]),
]
# No variable of the environment: mmengine would import torch to log it.
data_root = 'DATA/cells/'
train_dataloader = dict(batch_size=4, dataset=dict(
    type='CocoDataset', data_root=data_root, ann_file='unset.json',
    data_prefix=dict(img='images/')))
test_dataloader = dict(dataset=dict(
    type='CocoDataset', data_root=data_root, ann_file='unset.json',
    data_prefix=dict(img='images/')))
test_evaluator = dict(type='CellMetric', ann_file='unset.json')
load_from = None
"""
PRETRAINING_CONFIG = """
train_cfg = dict(type='cupre_mm.AMT2TrainLoop', max_iters=6,
                 schedule=('moco', 'det'))
train_dataloader = dict(
    moco=dict(batch_size=8, dataset=dict(
        type='cupre_mm.CellImages', data_root='DATA',
        sources=[dict(name='pool', paths='pool.txt')])),
    det=dict(batch_size=4, dataset=dict(
        type='CocoDataset', data_root='natural', ann_file='x.json')))
load_from = None
"""
BENCHMARK = dict(
    title='Stub',
    data=dict(
        folder='cells',
        splits='annotations/seed{seed}',
        test='annotations/seed0/test.json',
        pools=[dict(file='pool.txt')],
    ),
    pretraining=dict(
        warmup=dict(
            config='pretraining.py',
            iterations=4,
            options={'train_cfg.schedule': ('det',)},
        ),
        coco=dict(
            config='pretraining.py',
            start='warmup',
            iterations=6,
            options={'train_cfg.schedule': ('det',)},
        ),
        amt2=dict(config='pretraining.py', start='warmup', iterations=6),
    ),
    arms=dict(
        scratch=dict(config='finetuning.py'),
        coco=dict(title='COCO', config='finetuning.py', start='coco'),
        amt2=dict(title='AMT2', config='finetuning.py', start='amt2'),
    ),
    fractions=(20, 100),
    seeds=(0,),
    iterations=4,
    checkpoint_interval=2,
    baseline='coco',
)


_NO_DEVICES = {'--devices', '--jobs', '--status', '--slurm', '--dry-run'}


def write_cells(folder: Path, number: int = 20) -> None:
    """Write annotations of images that need not exist."""
    images = [
        dict(id=i, file_name=f'{i}.png', width=8, height=8)
        for i in range(number)
    ]
    annotations = [
        dict(
            id=i,
            image_id=i,
            category_id=1,
            bbox=[1, 1, 4, 4],
            area=16,
            iscrowd=0,
            segmentation=[[1, 1, 5, 1, 5, 5, 1, 5]],
        )
        for i in range(number)
    ]
    (folder / 'annotations').mkdir(parents=True)
    (folder / 'annotations' / 'instances.json').write_text(
        json.dumps(
            dict(
                images=images,
                annotations=annotations,
                categories=[dict(id=1, name='cell')],
            )
        )
    )


class StubBenchmark:
    """Folders of a benchmark, and its tool as a process.

    Args:
        folder (Path): An empty folder.
        **changes: Values of :data:`BENCHMARK` to replace.
    """

    def __init__(self, folder: Path, **changes: object) -> None:
        self.data, self.work_dir = folder / 'data', folder / 'work'
        self.tools, self.config = folder / 'root/tools', folder / 'grid.py'
        write_cells(self.data / 'cells')
        shutil.copytree(
            ROOT / 'tools/dataset_converters',
            self.tools / 'dataset_converters',
        )
        shutil.copy(ROOT / 'tools/benchmark.py', self.tools)
        (self.tools / 'train.py').write_text(TRAIN)
        (self.tools / 'test.py').write_text(TEST)
        root = self.tools.parent
        for name, text in (
            ('finetuning.py', TRAINING_CONFIG),
            ('pretraining.py', PRETRAINING_CONFIG),
        ):
            text = text.replace('DATA', self.data.as_posix())
            (root / name).write_text(text)
        self.write(**changes)

    def write(self, **changes: object) -> None:
        """Write the benchmark config.

        Args:
            **changes: Values of :data:`BENCHMARK` to replace.
        """
        text = f'benchmark = { ({**BENCHMARK, **changes})!r}\n'
        self.config.write_text(text)

    def command(self, *arguments: str) -> list[str]:
        """The tool with arguments.

        Args:
            *arguments (str): Further arguments.

        Returns:
            list[str]: Program and arguments.
        """
        return [
            *(sys.executable, str(self.tools / 'benchmark.py')),
            *(str(self.config), '--work-dir', str(self.work_dir)),
            *('--data', str(self.data), '--no-report'),
            *arguments,
        ]

    def start(
        self, *arguments: str, stub: dict | None = None
    ) -> subprocess.Popen:
        """Start the tool.

        Args:
            *arguments (str): Further arguments.
            stub (dict, optional): What the tasks do, by name: ``sleep``
                before each iteration, ``fail_at``, ``test_sleep`` and
                ``test_fails``, and the text of its ``report``. Defaults to
                None.

        Returns:
            subprocess.Popen: Its process.
        """
        if not {*arguments} & _NO_DEVICES:
            arguments = (*arguments, '--devices', 'cpu')
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(stub),
        )

    def environment(self, stub: dict | None = None) -> dict[str, str]:
        """Variables of the tool.

        Args:
            stub (dict, optional): As for :meth:`start`.

        Returns:
            dict[str, str]: The variables.
        """
        found = {**os.environ, 'STUB': json.dumps(stub or {})}
        return {**found, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}

    def run(
        self, *arguments: str, stub: dict | None = None
    ) -> subprocess.CompletedProcess:
        """Run the tool to its end.

        Args:
            *arguments (str): Further arguments.
            stub (dict, optional): As for :meth:`start`.

        Returns:
            subprocess.CompletedProcess: How it ended.
        """
        process = self.start(*arguments, stub=stub)
        out, err = process.communicate()
        return subprocess.CompletedProcess((), process.returncode, out, err)

    def cell(self, name: str) -> dict:
        """Read the record of a cell.

        Args:
            name (str): Such as 'coco/20pct/seed0'.

        Returns:
            dict: The record.
        """
        file = self.work_dir / 'cells' / name / 'cell.json'
        return json.loads(file.read_text())

    def steps(self, task: str) -> list[str]:
        """What the trainings of a task did.

        Args:
            task (str): Its folder in the work dir.

        Returns:
            list[str]: A line a start and an iteration.
        """
        file = self.work_dir / task / 'steps.txt'
        return file.read_text().splitlines() if file.is_file() else []


def changed_arms(**changes: dict) -> dict:
    """The arms of :data:`BENCHMARK`, some with other values."""
    return {
        name: {**arm, **changes.get(name, {})}
        for name, arm in BENCHMARK['arms'].items()
    }
