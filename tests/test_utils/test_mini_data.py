"""Commands that make the images of the mini configs."""

import pytest

from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.mini_data import mini_data_commands

ARCHIVES = {
    'coco_mini.zip': 'coco_mini',
    'cells_unlabelled.zip': 'cells',
    'bbbc038_stage1_train.zip': 'bbbc038',
}


def test_each_archive_has_a_folder(tmp_path):
    for name in ARCHIVES:
        (tmp_path / name).touch()
    commands = mini_data_commands(tmp_path, tmp_path / 'data')
    assert {(source, folder) for _, source, folder in commands} == {
        (str(tmp_path / name), str(tmp_path / 'data' / folder))
        for name, folder in ARCHIVES.items()
    }


def test_only_archives_that_are_missing_are_named(tmp_path):
    (tmp_path / 'coco_mini.zip').touch()
    with pytest.raises(MissingDataError) as raised:
        mini_data_commands(tmp_path, tmp_path / 'data')
    message = str(raised.value)
    for name in ARCHIVES:
        path = str(tmp_path / name)
        assert (path in message) is (name != 'coco_mini.zip')
    assert '--source' in message
