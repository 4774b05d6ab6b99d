import pytest

from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.own_labels.held_out_part import hold_out
from cupre_mm.utils.own_labels.label_reading import read_labels
from tests.labelled_discs import write_labelled


def _data(folder, images, **drawing):
    source = write_labelled(folder / 'src', images, **drawing)
    read_labels(source, folder / 'data')
    return folder / 'data'


def _names(data, file):
    return {
        image['file_name'] for image in read_coco(data / file)[0]['images']
    }


def test_ten_images_give_a_test_part_that_nothing_is_chosen_on(tmp_path):
    data = _data(tmp_path, 10)
    held = hold_out(data)
    # A fifth of 10 is tested on, a fifth of the 8 left, rounded, chooses.
    assert held.counts == {'train': (6, 54), 'val': (2, 18), 'test': (2, 18)}
    assert held.report == held.test
    parts = [_names(data, part) for part in (held.train, held.val, held.test)]
    assert len(set.union(*parts)) == 10


def test_five_images_hold_one_out_and_have_no_test_part(tmp_path):
    held = hold_out(_data(tmp_path, 5))
    assert held.counts == {'train': (4, 36), 'val': (1, 9)}
    assert held.test is None
    assert held.report == held.val
    assert 'a little too good' in held.rule


def test_one_image_is_cut(tmp_path):
    data = _data(tmp_path, 1, side=128, rows=4)
    held = hold_out(data)
    assert held.images == 'parts'
    assert set(held.counts) == {'train', 'val'}
    for part in (held.train, held.val):
        (name,) = _names(data, part)
        assert (data / 'parts' / name).is_file()


def test_images_of_a_group_stay_together(tmp_path):
    data = _data(tmp_path, 6)
    table = tmp_path / 'films.csv'
    rows = [f'field{i}.tif,film{i // 2}' for i in range(6)]
    table.write_text('\n'.join(['file_name,attribute', *rows]) + '\n')
    held = hold_out(data, group=str(table))
    numbers = {int(name[5]) // 2 for name in _names(data, held.val)}
    others = {int(name[5]) // 2 for name in _names(data, held.train)}
    assert numbers.isdisjoint(others)


def test_seed_chooses_other_images(tmp_path):
    data = _data(tmp_path, 8)
    chosen = {
        frozenset(_names(data, hold_out(data, seed).val)) for seed in range(4)
    }
    assert len(chosen) > 1


def test_too_few_cells_are_refused(tmp_path):
    data = _data(tmp_path, 2, rows=2)
    with pytest.raises(BadDataError, match='8 labelled cells in 2 image'):
        hold_out(data)
