"""configs/benchmark: each is a fair grid of configs that are there."""

from pathlib import Path

import pytest

from cupre_mm.utils.benchmark_grid.benchmark import Benchmark

ROOT = Path(__file__).resolve().parents[2]


def grid(name: str, folder: Path) -> Benchmark:
    return Benchmark(
        ROOT / f'configs/benchmark/{name}.py',
        folder / 'work',
        folder / 'data',
        ROOT / 'tools',
    )


def test_the_mini_grid_compares_at_equal_budgets(tmp_path):
    found = grid('fewshot_bbbc038_mini', tmp_path)
    budgets = found.budgets
    assert budgets['amt2'].det_images == budgets['coco'].det_images == 3400
    assert budgets['amt2'] == budgets['amt2_in_domain']
    assert budgets['coco_longer'].steps == budgets['amt2'].steps == 1200
    assert len([t for t in found.tasks.values() if t.is_cell]) == 7 * 6
    in_domain = found.tasks['pretraining/amt2_in_domain'].config
    names = [
        source['name']
        for source in in_domain.train_dataloader.moco.dataset.sources
    ]
    assert 'bbbc038' in names
    outside = found.tasks['pretraining/amt2'].config
    sources = outside.train_dataloader.moco.dataset.sources
    assert 'bbbc038' not in [source['name'] for source in sources]


@pytest.mark.parametrize(
    ('name', 'seeds', 'steps'),
    [('short_mini', 3, 100), ('long_mini', 1, 1500)],
)
def test_a_grid_of_another_fine_tuning_shares_the_pretraining(
    name, seeds, steps, tmp_path
):
    usual, other = (
        grid(f'fewshot_bbbc038_{one}', tmp_path) for one in ('mini', name)
    )
    cells = [task for task in other.tasks.values() if task.is_cell]
    assert len(cells) == 7 * seeds
    assert {cell.iterations for cell in cells} == {steps}
    for task_name, task in usual.tasks.items():
        if not task.is_cell:
            assert other.tasks[task_name].recipe_sha256 == task.recipe_sha256


def test_each_mini_ablation_that_changes_the_weights_has_an_arm(tmp_path):
    found = grid('fewshot_ablations_mini', tmp_path)
    files = {
        path.stem
        for path in (ROOT / 'configs/ablations/mini').glob('amt2_*.py')
    }
    used = {task.file.stem for task in found.tasks.values()}
    assert files - used == {'amt2_separate-bn_mini'}
    images = {one.det_images for one in found.budgets.values()}
    assert images == {(500 + 352) * 4}


@pytest.mark.slow
@pytest.mark.parametrize(
    ('name', 'cells'),
    [
        ('fewshot_demo', 3 * 2),
        ('fewshot_bbbc038', 5 * 5 * 3),
        ('fewshot_livecell', 5 * 5 * 3),
    ],
)
def test_the_other_grids_are_fair(name, cells, tmp_path):
    found = grid(name, tmp_path)
    assert len([t for t in found.tasks.values() if t.is_cell]) == cells
