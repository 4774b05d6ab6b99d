import pytest

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.run_settings import check_settings


def test_same_settings_are_accepted_again(tmp_path):
    for _ in range(3):
        check_settings(tmp_path / 'w', dict(size='tiny', max_iters=None))


def test_other_settings_are_refused_and_do_not_replace_the_first(tmp_path):
    first = dict(size='tiny', max_iters=2)
    check_settings(tmp_path, first)
    with pytest.raises(BadConfigError) as error:
        check_settings(tmp_path, dict(size='tiny', max_iters=None))
    assert 'max_iters=2, not None' in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert 'size' not in str(error.value)
    check_settings(tmp_path, first)
