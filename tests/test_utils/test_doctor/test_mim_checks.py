from pathlib import Path

import pytest

from cupre_mm.utils.doctor import mim_checks
from cupre_mm.utils.doctor.mim_checks import check_mim, check_setuptools
from cupre_mm.utils.doctor.state import State
from tests.fake_site import install

STATE = State(Path('data'), Path('work_dirs'), Path(), 5)
EDITABLE = '{"url": "file:///x", "dir_info": {"editable": true}}'


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that pip's records are looked up in before all others."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(mim_checks.shutil, 'which', lambda _: None)
    monkeypatch.setattr(mim_checks, 'ROOT', tmp_path)
    monkeypatch.setattr(mim_checks, 'PACKAGE', tmp_path / 'cupre_mm')
    return tmp_path


def mim_of(site, kind, **mims):
    install(
        site,
        {name.replace('_', '-'): version for name, version in mims.items()},
    )
    install(
        site, {'cupre_mm': '0.1.0'}, EDITABLE if kind == 'editable' else ''
    )
    (finding,) = check_mim(STATE)
    return finding


def test_none_is_fine(site):
    assert mim_of(site, 'editable').status == 'ok'


def test_both_are_a_problem(site):
    found = mim_of(site, 'wheel', openmim='0.3.9', onedl_mim='0.4.1')
    assert found.status == 'problem'
    assert found.mend[0] == 'pip uninstall -y openmim onedl-mim'


def test_openmim_with_an_editable_install_is_a_warning(site):
    found = mim_of(site, 'editable', openmim='0.3.9')
    assert found.status == 'warning'
    assert found.mend[0] == 'pip wheel --no-deps . -w dist'


def test_onedl_mim_with_a_wheel_is_a_warning(site):
    found = mim_of(site, 'wheel', onedl_mim='0.4.1')
    assert found.status == 'warning'
    assert found.mend[-1].endswith('-e .')


def test_onedl_mim_with_an_editable_install_is_fine(site):
    found = mim_of(site, 'editable', onedl_mim='0.4.1')
    assert found.status == 'ok'
    assert found.details['cupre_mm'] == 'editable'


def test_configs_that_onedl_mim_finds_twice_are_a_warning(site):
    (site / 'build' / 'lib').mkdir(parents=True)
    (site / 'build' / 'lib' / 'amt2.py').touch()
    (site / 'cupre_mm' / '.mim').mkdir(parents=True)
    found = mim_of(site, 'editable', onedl_mim='0.4.1')
    assert (found.status, found.mend) == ('warning', ('make clean',))
    assert '.mim' not in found.summary


def test_wheel_without_configs_is_a_problem_of_openmim(site, monkeypatch):
    monkeypatch.setattr(mim_checks, 'PACKAGE', site / 'cupre_mm')
    assert mim_of(site, 'wheel', openmim='0.3.9').status == 'problem'
    (site / 'cupre_mm' / '.mim' / 'configs').mkdir(parents=True)
    assert check_mim(STATE)[0].status == 'ok'


def test_command_of_another_environment_is_a_warning(site, monkeypatch):
    script = '/usr/local/bin/mim'
    monkeypatch.setattr(mim_checks.shutil, 'which', lambda _: script)
    found = mim_of(site, 'editable', onedl_mim='0.4.1')
    assert found.status == 'warning'
    assert script in found.summary


@pytest.mark.parametrize(
    ('version', 'status'),
    [('60.2.0', 'warning'), ('80.10.2', 'ok'), ('84.0.0', 'warning')],
)
def test_setuptools_out_of_range_is_a_warning(site, version, status):
    install(site, {'setuptools': version})
    (found,) = check_setuptools(STATE)
    assert found.status == status
    assert version in found.summary
    if status == 'warning':
        assert found.mend == ('pip install "setuptools>=77,<81"',)
