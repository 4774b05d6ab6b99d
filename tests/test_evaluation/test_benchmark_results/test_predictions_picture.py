"""Picture of test images with what each arm finds."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from cupre_mm.evaluation.benchmark_results.predictions_picture import (
    save_predictions,
)
from cupre_mm.evaluation.benchmark_results.results import collect


def pictures_of(benchmark) -> tuple[list, list[str]]:
    benchmark.write_grid()
    results = collect(benchmark.folder, bootstrap=None)
    notes = len(results.notes)
    folder = benchmark.folder / 'plots'
    return save_predictions(folder, results), results.notes[notes:]


def columns_of(path: Path) -> int:
    """Image, ground truth and arms, 2.6 inches of 110 dots each."""
    return round(Image.open(path).width / 286)


def test_a_row_an_image_and_a_column_an_arm(benchmark):
    for arm in ('scratch', 'coco', 'amt2'):
        benchmark.add(arm)
    (picture,), notes = pictures_of(benchmark)
    assert picture.path == benchmark.folder / 'plots/predictions.png'
    assert columns_of(picture.path) == 2 + 3
    assert '5 % of the labels, seed 0' in picture.caption
    assert notes == []


def test_the_fewest_labels_and_the_seed_of_most_arms_are_shown(benchmark):
    benchmark.add('scratch', seed=0)
    for arm in ('scratch', 'amt2'):
        benchmark.add(arm, seed=1)
    for arm in ('scratch', 'coco', 'amt2'):
        benchmark.add(arm, size='20pct')
    (picture,), _ = pictures_of(benchmark)
    assert columns_of(picture.path) == 2 + 2
    assert '5 % of the labels, seed 1' in picture.caption


def test_controls_and_other_settings_are_left_out_and_peers_shown(benchmark):
    benchmark.grid['arms'] |= {
        'longer': {'config': 'c.py'},
        'outside': {'config': 'o.py', 'setting': 'external'},
        'inside': {'config': 'i.py', 'setting': 'in-domain'},
    }
    benchmark.grid['controls'] = ['longer']
    for arm in ('coco', 'longer', 'outside', 'inside'):
        benchmark.add(arm)
    benchmark.add('cellpose', kind='peer')
    (picture,), _ = pictures_of(benchmark)
    # COCO, outside and the peer, which does not tell where images lie.
    assert columns_of(picture.path) == 2 + 3


def test_polygons_and_codes_are_drawn_alike_in_an_image_of_cells(benchmark):
    benchmark.add('coco', quality=1.0)
    (picture,), _ = pictures_of(benchmark)
    pixels = Image.open(picture.path).convert('RGB')
    # The dense image, last of the rows: outlines are coloured, all else gray.
    top = pixels.height * 3 // 4
    for column in (1, 2):
        box = (286 * column, top, 286 * (column + 1), pixels.height)
        colours = pixels.crop(box).getcolors(2**16)
        assert any(max(c) - min(c) > 100 for _, c in colours)
    first = pixels.crop((0, top, 286, pixels.height)).getcolors(2**16)
    assert all(max(c) - min(c) < 20 for _, c in first)


@pytest.mark.parametrize('what', ['images', 'test.json'])
def test_what_is_not_there_is_noted_and_the_older_picture_goes(
    benchmark, what
):
    benchmark.add('coco')
    (picture,), _ = pictures_of(benchmark)
    gone = benchmark.truth.parent / what
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    plots, (note,) = pictures_of(benchmark)
    assert plots == []
    assert note.startswith('No picture of test images: ')
    assert what in note
    assert not picture.path.exists()


def test_without_a_finished_cell_there_is_none(benchmark):
    benchmark.add_failed('coco', '5pct', 0, 'lost')
    assert pictures_of(benchmark) == ([], [])
