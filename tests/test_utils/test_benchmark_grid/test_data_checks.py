"""Test images that would reach a training, or choose a model."""

import json

import pytest

from cupre_mm.utils.benchmark_grid.benchmark import Benchmark
from cupre_mm.utils.benchmark_grid.data_preparation import (
    preparation_commands,
)
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from tests.benchmark_stub import StubBenchmark


@pytest.fixture
def stub(tmp_path) -> StubBenchmark:
    found = StubBenchmark(tmp_path, seeds=(0, 1))
    (found.data / 'cells/images').mkdir()
    for number in range(20):
        (found.data / f'cells/images/{number}.png').touch()
    return found


def prepared(stub: StubBenchmark) -> Benchmark:
    found = Benchmark(stub.config, stub.work_dir, stub.data, stub.tools)
    found.prepare()
    return found


def test_splits_and_lists_are_made_once_with_one_test_part(stub):
    found = prepared(stub)
    commands = preparation_commands(found.grid, stub.data, stub.tools)
    assert commands == []
    folder = stub.data / 'cells/annotations'
    names = [
        {
            image['file_name']
            for image in json.loads(file.read_text())['images']
        }
        for file in (
            folder / 'seed0/test.json',
            folder / 'seed1/test.json',
            folder / 'seed1/train_100.json',
        )
    ]
    assert names[0] == names[1]
    assert not names[0] & names[2]
    listed = (stub.data / 'pool.txt').read_text().splitlines()
    assert len(listed) == 16
    assert not {line.rpartition('/')[2] for line in listed} & names[0]


def test_a_test_image_in_a_split_is_named(stub):
    prepared(stub)
    folder = stub.data / 'cells/annotations'
    test = json.loads((folder / 'seed0/test.json').read_text())
    split = folder / 'seed1/train_20.json'
    changed = json.loads(split.read_text())
    changed['images'].append(test['images'][0])
    split.write_text(json.dumps(changed))
    name = test['images'][0]['file_name']
    with pytest.raises(BadDataError, match=f'train_20.*{name}'):
        prepared(stub)


def test_another_test_part_of_a_seed_is_refused(stub):
    prepared(stub)
    file = stub.data / 'cells/annotations/seed1/test.json'
    changed = json.loads(file.read_text())
    changed['images'].pop()
    file.write_text(json.dumps(changed))
    with pytest.raises(BadDataError, match='the same for all seeds'):
        prepared(stub)


def test_a_test_image_in_a_pool_is_refused(stub):
    prepared(stub)
    test = stub.data / 'cells/annotations/seed0/test.json'
    name = json.loads(test.read_text())['images'][0]['file_name']
    with (stub.data / 'pool.txt').open('a') as file:
        file.write(f'cells/images/{name}\n')
    with pytest.raises(BadDataError, match=f'has 1 test images.*{name}'):
        prepared(stub)


@pytest.mark.parametrize(
    'pool', ['cells/images', 'cells/*/*.png', 'cells', 'cells/images/TEST']
)
def test_test_images_by_folder_pattern_or_file_are_refused(stub, pool):
    prepared(stub)
    test = stub.data / 'cells/annotations/seed0/test.json'
    name = json.loads(test.read_text())['images'][0]['file_name']
    config = stub.tools.parent / 'pretraining.py'
    text = config.read_text().replace('pool.txt', pool.replace('TEST', name))
    config.write_text(text)
    number = 1 if 'TEST' in pool else 4
    with pytest.raises(BadDataError, match=f'has {number} test images'):
        prepared(stub)


def test_test_images_that_are_links_are_refused_in_a_pool(stub):
    images = stub.data / 'cells/images'
    images.rename(stub.data / 'raw')
    images.mkdir()
    for path in (stub.data / 'raw').iterdir():
        (images / path.name).symlink_to(path)
    for pool in ('cells/images', 'raw'):
        config = stub.tools.parent / 'pretraining.py'
        text = config.read_text()
        config.write_text(text.replace('pool.txt', pool))
        with pytest.raises(BadDataError, match='has 4 test images'):
            prepared(stub)
        config.write_text(text)


def test_a_folder_of_training_images_alone_is_no_leak(stub):
    found = prepared(stub)
    listed = (stub.data / 'pool.txt').read_text().splitlines()
    (stub.data / 'others').mkdir()
    for line in listed:
        (stub.data / 'others' / line.rpartition('/')[2]).touch()
    config = stub.tools.parent / 'pretraining.py'
    config.write_text(config.read_text().replace('pool.txt', 'others'))
    assert prepared(stub).tasks.keys() == found.tasks.keys()


def test_validating_on_test_images_is_refused(stub):
    config = stub.tools.parent / 'finetuning.py'
    config.write_text(
        config.read_text()
        + "val_cfg = dict(type='ValLoop')\n"
        + 'val_dataloader = dict(dataset=dict(train_dataloader["dataset"],'
        + " ann_file='annotations/seed0/test.json'))\n"
    )
    with pytest.raises(BadConfigError, match='chooses its model on test'):
        prepared(stub)


def test_validating_on_test_images_of_one_seed_alone_is_refused(stub):
    prepared(stub)
    of_seed_1 = stub.data / 'cells/annotations/seed1/chosen.json'
    of_seed_0 = stub.data / 'cells/annotations/seed0/chosen.json'
    of_seed_1.write_bytes((of_seed_1.parent / 'test.json').read_bytes())
    of_seed_0.write_bytes((of_seed_0.parent / 'train_20.json').read_bytes())
    config = stub.tools.parent / 'finetuning.py'
    config.write_text(
        config.read_text()
        + "val_cfg = dict(type='ValLoop')\n"
        + 'val_dataloader = dict(dataset=dict(train_dataloader["dataset"],'
        + " ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/chosen.json'))\n"
    )
    with pytest.raises(BadConfigError, match='seed1 chooses its model on'):
        prepared(stub)


def test_validating_on_test_images_among_others_is_refused(stub):
    config = stub.tools.parent / 'finetuning.py'
    config.write_text(
        config.read_text()
        + "val_cfg = dict(type='ValLoop')\n"
        + "test = dict(type='CocoDataset', data_root=data_root[:-6],"
        + " data_prefix=dict(img=''), ann_file='whole.json')\n"
        + "val_dataloader = dict(dataset=dict(type='ConcatDataset',"
        + " datasets=[train_dataloader['dataset'], test]))\n"
    )
    prepared_once = stub.data / 'cells/annotations/instances.json'
    coco = json.loads(prepared_once.read_text())
    for image in coco['images']:
        image['file_name'] = f'cells/images/{image["file_name"]}'
    (stub.data / 'whole.json').write_text(json.dumps(coco))
    (stub.data / 'cells/unset.json').write_text('{"images": []}')
    with pytest.raises(BadConfigError, match=r'its model.*whole\.json'):
        prepared(stub)


def test_splits_without_the_size_and_no_annotations_are_told(stub):
    prepared(stub)
    stub.write(fractions=(50,))
    with pytest.raises(BadDataError, match=r'has no train_50\.json'):
        prepared(stub)
    stub.write(seeds=(7,))
    (stub.data / 'cells/annotations/instances.json').unlink()
    with pytest.raises(MissingDataError, match=r'instances\.json'):
        prepared(stub)
