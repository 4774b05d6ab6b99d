"""Budgets, data sets and recipes of training configs."""

from mmengine.config import Config

from cupre_mm.utils.benchmark_grid.training_config import (
    annotation_file,
    budget_options,
    dataset_of,
    differing_keys,
    recipe_of,
)
from cupre_mm.utils.config_files import merge_options


def config() -> Config:
    return Config(
        dict(
            train_cfg=dict(max_iters=200, val_interval=200),
            param_scheduler=[
                dict(type='LinearLR', begin=0, end=50),
                dict(type='MultiStepLR', begin=0, end=200, milestones=[150]),
                dict(type='CosineAnnealingLR', begin=50, end=200, T_max=150),
            ],
            train_dataloader=dict(
                num_workers=2,
                dataset=dict(
                    type='RepeatDataset',
                    dataset=dict(data_root='root/', ann_file='a.json'),
                ),
            ),
            leftover=1,
        )
    )


def test_the_schedule_is_stretched_and_the_warm_up_stays():
    found = config()
    merge_options(found, budget_options(found, 300))
    assert found.train_cfg == dict(max_iters=300, val_interval=300)
    warm_up, steps, cosine = found.param_scheduler
    assert warm_up.end == 50
    assert (steps.end, steps.milestones) == (300, [225])
    assert (cosine.end, cosine.T_max) == (300, 225)


def test_no_budget_changes_nothing():
    assert budget_options(config(), None) == {}


def test_the_data_set_inside_a_wrapper_is_found():
    key, dataset = dataset_of(config(), 'train_dataloader')
    assert key == 'train_dataloader.dataset.dataset'
    assert annotation_file(dataset).as_posix() == 'root/a.json'
    assert dataset_of(config(), 'train_dataloader.moco') is None


def test_recipes_leave_out_what_has_no_effect():
    one, other = config(), config()
    other.train_dataloader.num_workers = 7
    other.leftover = 2
    assert differing_keys(recipe_of(one), recipe_of(other)) == []
    other.param_scheduler[1].milestones = [100]
    assert differing_keys(recipe_of(one), recipe_of(other)) == [
        'param_scheduler.1.milestones.0'
    ]
    assert (
        recipe_of(one, {'root/': '$R/'})[
            'train_dataloader.dataset.dataset.data_root'
        ]
        == '$R/'
    )
