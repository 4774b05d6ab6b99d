"""tools/make_tutorial_images.py."""

import pytest


def test_a_missing_set_ends_in_one_line(load_tool, tmp_path, capsys):
    tool = load_tool('make_tutorial_images')
    with pytest.raises(SystemExit) as stop:
        tool.main([str(tmp_path / 'none'), str(tmp_path / 'out')])
    assert stop.value.code == 2
    assert 'error: ' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
