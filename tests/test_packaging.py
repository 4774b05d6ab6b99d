import os
import re
import shutil
import sysconfig
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cupre_mm.utils.distributions import KNOWN
from tests.checkout import ROOT, build_wheel, copy_checkout, run_module

PYTHONS = ('3.10', '3.11', '3.12')


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp('wheel')
    path = build_wheel(copy_checkout(folder), folder / 'out')
    with zipfile.ZipFile(path) as archive:
        yield archive


def resources(folder: str) -> dict[str, bytes]:
    return {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in sorted((ROOT / folder).rglob('*'))
        if path.is_file() and path.suffix != '.pyc'
    }


@pytest.mark.parametrize('folder', ['configs', 'tools'])
def test_wheel_holds_each_resource_as_real_file(wheel, folder):
    prefix = 'cupre_mm/.mim/'
    packed = {
        entry.filename.removeprefix(prefix): wheel.read(entry)
        for entry in wheel.infolist()
        if entry.filename.startswith(f'{prefix}{folder}/')
    }
    expected = resources(folder)
    assert expected
    assert packed == expected
    kinds = {entry.external_attr >> 28 for entry in wheel.infolist()}
    assert 0o12 not in kinds, 'a symbolic link got into the wheel'


def test_wheel_holds_every_module_the_manifest_and_nothing_else(wheel):
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / 'cupre_mm').rglob('*.py')
        if '.mim' not in path.parts
    }
    packed = {
        name
        for name in wheel.namelist()
        if not name.startswith('cupre_mm/.mim/') and '.dist-info/' not in name
    }
    # napari reads the manifest that the entry point names.
    assert packed == modules | {'cupre_mm/napari.yaml'}


def test_source_distribution_builds_the_same_wheel(wheel, tmp_path):
    source = copy_checkout(tmp_path)
    sdist = ('build', '--sdist', '--no-isolation', '-o', str(tmp_path))
    run_module(*sdist, cwd=source)
    archive = next(tmp_path.glob('cupre_mm-*.tar.gz'))
    shutil.unpack_archive(archive, tmp_path / 'unpacked')
    unpacked = next((tmp_path / 'unpacked').iterdir())
    with zipfile.ZipFile(build_wheel(unpacked, tmp_path)) as again:
        assert sorted(again.namelist()) == sorted(wheel.namelist())


def test_checkout_holds_no_links_that_would_show_mim_a_config_twice():
    links = [
        os.path.join(parent, name)
        for top in ('cupre_mm', 'configs', 'tools')
        for parent, folders, files in os.walk(ROOT / top)
        for name in folders + files
        if os.path.islink(os.path.join(parent, name))
    ]
    assert links == []


def test_config_names_are_unique_for_mim():
    names = Counter(path.name for path in (ROOT / 'configs').rglob('*.py'))
    assert [name for name, count in names.items() if count > 1] == []
    others = {
        path.name
        for top in ('cupre_mm', 'tools', 'tests')
        for path in (ROOT / top).rglob('*.py')
        if '.mim' not in path.parts
    }
    # An editable install has its environment, and with it the other
    # packages, in the folder that onedl-mim searches.
    site = Path(sysconfig.get_path('purelib'))
    for package in ('mmcv', 'mmdet', 'mmengine', 'mmpretrain', 'torch'):
        others |= {path.name for path in (site / package).rglob('*.py')}
    assert sorted(set(names) & others) == []


def lines(name: str) -> list[Requirement]:
    text = (ROOT / name).read_text()
    return [
        Requirement(line)
        for line in text.splitlines()
        if line.strip() and not line.startswith('#')
    ]


def pins(python: str) -> dict[str, str]:
    """Exact version by distribution for one Python version."""
    found: dict[str, str] = {}
    for pin in lines('constraints.txt'):
        environment = {
            'python_version': python,
            'python_full_version': f'{python}.9',
        }
        if pin.marker and not pin.marker.evaluate(environment):
            continue
        name = canonicalize_name(pin.name)
        assert name not in found, f'{name} is pinned twice for {python}'
        (specifier,) = pin.specifier
        assert specifier.operator == '=='
        found[name] = specifier.version
    return found


def development() -> list[Requirement]:
    """The dev extra, read without tomllib, which 3.10 does not have."""
    text = (ROOT / 'pyproject.toml').read_text()
    block = re.search(r'^dev = \[(.*?)^\]', text, re.DOTALL | re.MULTILINE)
    return [Requirement(item) for item in re.findall(r"'(.+)'", block[1])]


@pytest.mark.parametrize('python', PYTHONS)
def test_constraints_pin_every_requirement_within_its_range(python):
    pinned = pins(python)
    wanted = lines('requirements.txt') + development()
    assert len(wanted) > 15
    for requirement in wanted:
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_import_check_and_requirements_have_the_same_bounds():
    ranges = {item.name: item.specifier for item in lines('requirements.txt')}
    for name, known in KNOWN.items():
        if name.startswith('onedl-'):
            low, high = known.bounds
            assert ranges[name] == Requirement(f'x>={low},<{high}').specifier
