import pytest

from cupre_mm.utils.doctor.data_checks import check_data, count_images
from cupre_mm.utils.doctor.data_sets import MINI_SOURCES, SETS
from cupre_mm.utils.doctor.state import ROOT, State


def findings(root):
    state = State(root, root / 'runs', ROOT, 5)
    return {one.check: one for one in check_data(state)}


def make_set(root, folder, splits='annotations/seed0'):
    """Write every file and an image a folder that a set consists of."""
    (one,) = (one for one in SETS if one.folder == folder)
    for name in one.files:
        path = root / folder / name.format(splits=splits)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{}')
    for name in one.images:
        (root / folder / name).mkdir(parents=True, exist_ok=True)
        (root / folder / name / 'a.png').touch()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    monkeypatch.delenv('CUPRE_SPLITS', raising=False)


def test_absent_sets_are_warnings_with_their_commands(tmp_path):
    found = findings(tmp_path)
    assert len(found) == len(SETS) + 1
    assert {one.status for one in found.values()} == {'warning'}
    assert found['data coco_mini'].mend == (
        'python tools/dataset_converters/unpack.py coco_mini.zip '
        f'{tmp_path}/coco_mini',
    )
    assert 'configs/mini/' in found['data coco_mini'].summary


@pytest.mark.parametrize('folder', [one.folder for one in SETS])
def test_whole_set_is_fine_with_its_count(tmp_path, folder):
    make_set(tmp_path, folder)
    found = findings(tmp_path)[f'data {folder}']
    assert found.status == 'ok', found
    assert '1 in ' in found.summary
    assert found.mend == ()


@pytest.mark.parametrize('folder', [one.folder for one in SETS])
def test_set_in_part_is_a_problem_that_names_what_is_missing(tmp_path, folder):
    make_set(tmp_path, folder)
    (one,) = (one for one in SETS if one.folder == folder)
    name = one.files[-1].format(splits='annotations/seed0')
    (tmp_path / folder / name).unlink()
    (tmp_path / folder / one.images[0] / 'a.png').unlink()
    found = findings(tmp_path)[f'data {folder}']
    assert found.status == 'problem'
    assert found.details['missing'] == [name, one.images[0]]
    assert found.mend


def test_splits_are_looked_for_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv('CUPRE_SPLITS', 'annotations/seed7')
    make_set(tmp_path, 'bbbc038', 'annotations/seed0')
    assert findings(tmp_path)['data bbbc038'].status == 'problem'
    make_set(tmp_path, 'bbbc038', 'annotations/seed7')
    assert findings(tmp_path)['data bbbc038'].status == 'ok'


def test_missing_sources_are_told_by_config(tmp_path):
    for name in MINI_SOURCES:
        (tmp_path / 'cells' / name).mkdir(parents=True)
        (tmp_path / 'cells' / name / 'a.tif').touch()
    found = findings(tmp_path)['data cells']
    assert found.status == 'warning'
    assert found.details['missing']['configs/mini/'] == []
    assert 'bccd 1' in found.summary
    assert 'configs/amt2.py lacks evican' in found.summary
    assert 'evican=downloads/EVICAN' in found.mend[0]


def test_root_with_a_space_is_quoted_in_the_commands(tmp_path):
    found = findings(tmp_path / 'my data')
    assert f"'{tmp_path}/my data'" in found['data bbbc038'].mend[0]


def test_images_count_by_name_below_all_folders(tmp_path):
    (tmp_path / 'a' / 'b').mkdir(parents=True)
    for name in ('1.PNG', 'a/2.tif', 'a/b/3.jpeg', 'a/notes.txt'):
        (tmp_path / name).touch()
    assert count_images(tmp_path) == 3
    assert count_images(tmp_path / 'absent') == 0
