from pathlib import Path

import numpy as np

from cupre_mm.utils.dataset_inspection.light_coco import CocoBoxes
from cupre_mm.utils.own_labels.label_checks import (
    check_labels,
    find_pretraining_leaks,
)
from tests.labelled_discs import write_labelled


def _boxes(*areas_by_image) -> CocoBoxes:
    areas = np.concatenate([np.array(one, float) for one in areas_by_image])
    sides = np.sqrt(areas)[:, None]
    return CocoBoxes(
        path=Path('x.json'),
        images=[
            dict(id=n, file_name=f'{n}.tif', height=99, width=99)
            for n in range(len(areas_by_image))
        ],
        image_of=np.repeat(
            np.arange(len(areas_by_image)), [len(a) for a in areas_by_image]
        ),
        boxes=np.hstack([0 * sides, 0 * sides, sides, sides]),
        areas=areas,
        crowds=0,
        degenerate=0,
    )


def test_enough_alike_cells_raise_no_warning():
    assert check_labels(_boxes([400] * 60, [420] * 60)) == []


def test_few_cells():
    (warning,) = check_labels(_boxes([400] * 20, [400] * 20))
    assert 'only 40 labelled cells' in warning


def test_all_in_one_image_and_an_empty_one():
    warnings = check_labels(_boxes([400] * 200, []))
    assert 'all labelled cells are in one image' in warnings[0]
    assert '1 image(s) have a label file without a cell' in warnings[1]


def test_sizes_wildly_different_within_images():
    mixed = [100] * 50 + [10000] * 50
    (warning,) = check_labels(_boxes(mixed, mixed))
    # Discs of 100 and of 10,000 square pixels.
    assert 'below 11 px, a tenth above 113 px' in warning


def test_images_of_different_magnification_are_named():
    warnings = check_labels(_boxes([100] * 100, [625] * 100))
    assert '11 px in 0.tif, 28 px in 1.tif' in warnings[-1]


def test_specks():
    (warning,) = check_labels(_boxes([400] * 100 + [4] * 3, [400] * 100))
    assert '3 labelled cells have fewer than 9 pixels' in warning


def test_held_out_image_of_the_pretraining_is_told(tmp_path):
    corpus = write_labelled(tmp_path / 'corpus', 3)
    own = write_labelled(tmp_path / 'own', 1, side=128, rows=4)
    held_out = [own / 'field0.tif', corpus / 'field1.tif']
    (warning,) = find_pretraining_leaks([str(corpus)], held_out)
    assert warning.startswith('1 of 2 held-out images were trained on before')
    assert 'field1.tif' in warning
    assert find_pretraining_leaks([str(corpus)], held_out[:1]) == []
