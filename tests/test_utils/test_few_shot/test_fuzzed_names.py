"""File names that fuzzing found."""

import json

from cupre_mm.utils.few_shot import SplitRecipe, write_splits


def test_half_a_surrogate_pair_is_hashed_like_any_text(tmp_path):
    """Raised UnicodeEncodeError; json may hold one, escaped."""
    names = ['\ud800.png', 'b.png', 'c.png']
    coco = {
        'images': [
            {'id': n, 'file_name': name, 'kind': name[0]}
            for n, name in enumerate(names)
        ],
        'annotations': [],
        'categories': [{'id': 1, 'name': 'cell'}],
    }
    path = tmp_path / 'all.json'
    path.write_text(json.dumps(coco))
    recipe = SplitRecipe(fractions=(100,), test_fraction=0, stratify='kind')
    manifest = write_splits(path, tmp_path / 'out', recipe)
    drawn = manifest['splits']['train_100']['file_names']
    assert sorted(drawn) == sorted(names)
