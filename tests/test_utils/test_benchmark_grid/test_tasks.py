"""Tasks of a grid, their commands, budgets and fairness."""

import argparse
import shlex

import pytest

from cupre_mm.utils.benchmark_grid.benchmark import Benchmark
from cupre_mm.utils.benchmark_grid.commands import (
    flat_options,
    train_command,
)
from cupre_mm.utils.benchmark_grid.selection import select
from cupre_mm.utils.config_files import OptionsAction
from cupre_mm.utils.errors import BadConfigError
from tests.benchmark_stub import StubBenchmark, changed_arms


def benchmark(folder, **changes) -> Benchmark:
    stub = StubBenchmark(folder, **changes)
    return Benchmark(stub.config, stub.work_dir, stub.data, stub.tools)


def test_stages_come_first_and_few_labels_before_many(tmp_path):
    found = benchmark(tmp_path, seeds={'20': (0, 1), '100': (0,)})
    assert [*found.tasks][:5] == [
        'pretraining/warmup',
        'pretraining/coco',
        'pretraining/amt2',
        'cells/scratch/20pct/seed0',
        'cells/coco/20pct/seed0',
    ]
    assert len(found.tasks) == 3 + 3 * 3
    task = found.tasks['cells/amt2/20pct/seed1']
    assert task.needs == 'pretraining/amt2'
    assert task.config.randomness.seed == 1
    assert task.config.train_cfg.max_iters == 4
    assert task.config.param_scheduler[1].milestones == [3]
    assert task.config.load_from.endswith('pretraining/amt2/iter_6.pth')
    splits = found.data / 'cells/annotations'
    ann_file = task.config.train_dataloader.dataset.ann_file
    assert ann_file == str(splits / 'seed1/train_20.json')
    for part in (
        task.config.test_dataloader.dataset,
        task.config.test_evaluator,
    ):
        assert part.ann_file == str(splits / 'seed0/test.json')


def test_images_are_those_of_the_grid_whatever_the_training_config_reads(
    tmp_path,
):
    stub = StubBenchmark(tmp_path)
    others = 0
    for path in stub.tools.parent.rglob('*.py'):
        text = path.read_text()
        if "data_root = '" in text and '/cells/' in text:
            path.write_text(text.replace('/cells/', '/of_others/'))
            others += 1
    assert others
    found = Benchmark(stub.config, stub.work_dir, stub.data, stub.tools)
    for task in found.tasks.values():
        if task.is_cell:
            for loader in ('train_dataloader', 'test_dataloader'):
                dataset = task.config[loader].dataset
                assert dataset.data_root == f'{stub.data}/cells/'
                assert dataset.data_prefix.img == 'images/'


def test_each_seed_may_have_a_pretraining_of_its_own(tmp_path):
    found = benchmark(tmp_path, seeds=(0, 1, 2), pretraining_seeds=(5, 6))
    needs = [
        found.tasks[f'cells/coco/20pct/seed{seed}'].needs for seed in (0, 1, 2)
    ]
    assert needs == [f'pretraining/coco_seed{k}' for k in (5, 6, 5)]
    stage = found.tasks['pretraining/coco_seed6']
    assert stage.needs == 'pretraining/warmup_seed6'


def test_options_are_read_back_from_the_command_as_they_were(tmp_path):
    options = {
        'model.width': 16,
        'model.depths': [2, (3, 4)],
        'optim': dict(lr=1e-05, nesterov=True, name=None),
    }
    found = benchmark(tmp_path, options=options)
    task = found.tasks['cells/coco/20pct/seed0']
    command = train_command(task, found.work_dir, found.tools)
    assert command == shlex.split(shlex.join(command))
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction)
    read = parser.parse_args(command[command.index('--cfg-options') :])
    written = flat_options(task.options)
    del written['work_dir']
    assert read.cfg_options == written
    assert written['optim.name'] is None


def test_an_option_that_the_command_would_change_is_refused(tmp_path):
    found = benchmark(tmp_path, options={'model.name': 'two words'})
    with pytest.raises(BadConfigError, match='two words'):
        train_command(
            found.tasks['cells/coco/20pct/seed0'], found.work_dir, found.tools
        )


def test_only_selects_cells_and_what_they_need(tmp_path):
    tasks = benchmark(tmp_path).tasks
    assert [*select(tasks, ['arm=coco', 'size=20pct'])] == [
        'pretraining/warmup',
        'pretraining/coco',
        'cells/coco/20pct/seed0',
    ]
    assert [*select(tasks, ['stage=warmup'])] == ['pretraining/warmup']
    assert [*select(tasks, ['arm=scratch', 'size=100,20'])] == [
        'cells/scratch/20pct/seed0',
        'cells/scratch/100pct/seed0',
    ]
    for wrong, told in (
        ('arm', '--only arm: write KEY=VALUE'),
        ('colour=red', '--only colour=red: write KEY=VALUE'),
        ('arm=scratch,nobody', 'arm=nobody: the grid has amt2, coco, scratch'),
        ('seed=7', 'seed=7: the grid has 0'),
    ):
        with pytest.raises(BadConfigError, match=told):
            select(tasks, [wrong])
    with pytest.raises(BadConfigError, match='selects nothing'):
        select(tasks, ['stage=warmup', 'arm=coco'])


def test_another_file_under_the_name_of_a_checkpoint_is_another_recipe(
    tmp_path,
):
    weights = tmp_path / 'mine.pth'
    weights.write_bytes(b'one')
    mine = dict(config='finetuning.py', checkpoint=str(weights))
    changed = changed_arms() | dict(mine=mine)
    found = []
    for content in (b'one', b'two'):
        weights.write_bytes(content)
        tasks = benchmark(tmp_path / content.decode(), arms=changed).tasks
        task = tasks['cells/mine/20pct/seed0']
        assert task.start == str(weights)
        found.append(task.recipe['load_from'])
    assert found[0] != found[1]


def test_another_file_that_a_training_config_starts_from_is_another_recipe(
    tmp_path,
):
    weights, found = tmp_path / 'mine.pth', []
    for content in (b'one', b'two'):
        weights.write_bytes(content)
        stub = StubBenchmark(tmp_path / content.decode())
        config = stub.tools.parent / 'finetuning.py'
        config.write_text(
            f'{config.read_text()}\nload_from = {str(weights)!r}\n'
        )
        made = Benchmark(stub.config, stub.work_dir, stub.data, stub.tools)
        task = made.tasks['cells/scratch/20pct/seed0']
        assert task.start == str(weights)
        found.append(task.recipe_sha256)
    assert found[0] != found[1]
