from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.few_shot.image_traits import read_traits
from cupre_mm.utils.few_shot.split_recipe import SplitRecipe

ANN = Path('instances.json')
COCO = {
    'images': [
        {'id': 7, 'file_name': 'a.png', 'cell_type': 'BV2', 'well': 1},
        {'id': 'x', 'file_name': 'b.png', 'cell_type': 'A172', 'well': 1},
    ],
    'annotations': [{'id': i, 'image_id': 7} for i in range(3)],
}


def test_cells_are_counted_for_every_image():
    traits, origins = read_traits(COCO, SplitRecipe(), ANN)
    assert traits.cells == {'a.png': 3, 'b.png': 0}
    assert (traits.strata, traits.groups) == ({}, {})
    assert origins == {'stratify': None, 'group': None}


def test_strata_and_groups_are_read_by_key():
    recipe = SplitRecipe(stratify='cell_type', group='well')
    traits, origins = read_traits(COCO, recipe, ANN)
    assert traits.strata == {'a.png': 'BV2', 'b.png': 'A172'}
    assert traits.groups == {'a.png': '1', 'b.png': '1'}
    assert origins['stratify'] == {'kind': 'image key', 'key': 'cell_type'}
    assert origins['group'] == {'kind': 'image key', 'key': 'well'}


def test_strata_by_appearance_are_read_from_the_images(tmp_path):
    for name, edge in (('a.png', 64), ('b.png', 32)):
        Image.fromarray(np.zeros((edge, edge), np.uint8)).save(tmp_path / name)
    recipe = SplitRecipe(stratify='auto')
    traits, origins = read_traits(COCO, recipe, ANN, tmp_path)
    assert traits.strata == {
        'a.png': '64px dark gray 1/1',
        'b.png': '32px dark gray 1/1',
    }
    assert origins['stratify']['kind'] == 'appearance'


def test_strata_by_appearance_need_the_image_folder():
    with pytest.raises(BadConfigError, match='name their folder with --imag'):
        read_traits(COCO, SplitRecipe(stratify='auto'), ANN)
