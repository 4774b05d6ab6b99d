import pytest

from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.livecell.annotation_files import (
    OFFICIAL_FILES,
    choose_annotation_files,
    missing_official,
)
from cupre_mm.utils.livecell.source_files import find_files


@pytest.fixture
def choose(tmp_path):
    def choose(names, cell_types=None):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text('{}')
        found = find_files([tmp_path], tmp_path / 'out')
        chosen = choose_annotation_files(found, cell_types, [tmp_path])
        return {
            part: [file.name for file in files]
            for part, files in chosen.items()
        }

    return choose


FULL = [f'livecell_coco_{part}.json' for part in ('train', 'val', 'test')]


def test_files_of_all_types_go_before_those_of_one(choose):
    chosen = choose([*FULL, 'a172/train.json'])
    assert chosen == {part: [name] for part, name in zip(chosen, FULL)}


def test_files_of_one_type_each_stand_in_where_all_wanted_are_there(choose):
    names = [f'{t}/train.json' for t in ('a172', 'bv2', 'skov3')]
    chosen = choose([*FULL[1:], *names], ['A172', 'BV2'])
    assert chosen['train'] == ['a172/train.json', 'bv2/train.json']
    assert chosen['test'] == [FULL[2]]


def test_missing_files_are_named_with_what_is_needed_and_optional(choose):
    with pytest.raises(MissingDataError) as error:
        choose([FULL[0], 'livecell_annotations_val.json'])
    message = str(error.value)
    assert 'needed and not there: livecell_coco_val.json' in message
    assert 'livecell_coco_test.json' in message
    assert 'livecell_coco_train.json' not in message
    assert 'optional are 0_train2percent.json' in message
    assert 'livecell_annotations_val.json.' in message


def test_types_that_are_complete_are_offered(choose):
    names = [f'bv2/{part}.json' for part in ('train', 'val', 'test')]
    with pytest.raises(MissingDataError) as error:
        choose([*names, 'a172/train.json'])
    assert 'single-type files only of A172, BV2' in str(error.value)
    assert '--cell-types BV2.' in str(error.value)


def test_official_files_that_are_not_there_are_told(tmp_path):
    (tmp_path / OFFICIAL_FILES[5]).write_text('{}')
    found = find_files([tmp_path], tmp_path / 'out')
    assert missing_official(found) == [
        OFFICIAL_FILES[percent] for percent in (2, 4, 25, 50)
    ]
