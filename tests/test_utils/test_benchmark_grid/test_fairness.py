"""Fairness of a grid: what the arms may differ in."""

import pytest

from cupre_mm.utils.benchmark_grid.benchmark import Benchmark
from cupre_mm.utils.errors import BadConfigError
from tests.benchmark_stub import BENCHMARK, StubBenchmark, changed_arms


def benchmark(folder, **changes) -> Benchmark:
    stub = StubBenchmark(folder, **changes)
    return Benchmark(stub.config, stub.work_dir, stub.data, stub.tools)


def stages(**changes) -> dict:
    return {
        name: {**stage, **changes.get(name, {})}
        for name, stage in BENCHMARK['pretraining'].items()
    }


def test_a_fine_tuning_that_differs_has_to_be_declared(tmp_path):
    wide = dict(amt2=dict(options={'model.width': 16}))
    with pytest.raises(BadConfigError, match=r'model\.width: 16 and 8'):
        benchmark(tmp_path / 'a', arms=changed_arms(**wide))
    wide['amt2']['differs'] = ('model',)
    found = benchmark(tmp_path / 'b', arms=changed_arms(**wide))
    assert found.tasks['cells/amt2/20pct/seed0'].config.model.width == 16


def test_arms_must_see_as_many_detection_images(tmp_path):
    longer = stages(coco=dict(iterations=12))
    with pytest.raises(BadConfigError, match='40: amt2; 64: coco'):
        benchmark(tmp_path / 'a', pretraining=longer)
    benchmark(tmp_path / 'b', pretraining=longer, unequal_pretraining=True)
    # A control takes as many steps: 4 + 6 pairs are 16.
    control = changed_arms(coco=dict(control='amt2'))
    found = benchmark(tmp_path / 'c', pretraining=longer, arms=control)
    assert found.budgets['coco'].steps == found.budgets['amt2'].steps == 16
    shorter = stages(coco=dict(iterations=11))
    with pytest.raises(BadConfigError, match='takes 15, not 16'):
        benchmark(tmp_path / 'd', pretraining=shorter, arms=control)


def test_two_arms_are_compared_even_if_both_differ_from_the_first(tmp_path):
    # The first declares that it differs from all others.
    first = dict(options={'model.width': 4}, differs=('model',))
    two = changed_arms(scratch=first, amt2=dict(options={'model.width': 16}))
    with pytest.raises(BadConfigError, match='of amt2 and coco differ'):
        benchmark(tmp_path, arms=two)


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        ({'randomness.seed': 3}, 'seed: 3 and 0'),
        ({'train_cfg.max_iters': 9}, 'number of iterations: 9 and 4'),
        ({'train_dataloader.batch_size': 8}, 'batch size: 8 and 4'),
        (
            {'train_dataloader.dataset.indices': 5},
            'annotation files of train_dataloader',
        ),
        (
            {'train_dataloader.dataset.ann_file': 'all.json'},
            'annotation files of train_dataloader',
        ),
        (
            {'test_dataloader.dataset.ann_file': 'easy.json'},
            'annotation files of test_dataloader',
        ),
    ],
)
def test_budget_and_images_are_equal_whatever_is_declared(
    tmp_path, options, told
):
    keys = ('randomness', 'train_cfg', 'train_dataloader', 'test_dataloader')
    own = dict(options=options, differs=(*keys, 'param_scheduler'))
    with pytest.raises(BadConfigError, match=told):
        benchmark(tmp_path, arms=changed_arms(amt2=own))
