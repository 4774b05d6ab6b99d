import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fake_site import ONEDL, UPSTREAM, install

ROOT = Path(__file__).resolve().parents[2]


def import_beside(
    folder: Path, *, site: bool = False, code: str = 'import cupre_mm'
) -> subprocess.CompletedProcess:
    """Import cupre_mm in a new process that sees what `folder` holds.

    Without `site`, it sees nothing of this environment.
    """
    flags = [] if site else ['-S']
    path = f'import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]\n'
    return subprocess.run(
        [sys.executable, '-P', *flags, '-c', path + code]
        if sys.version_info >= (3, 11)
        else [sys.executable, *flags, '-c', path + code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def refusal(folder: Path, **kwargs) -> str:
    done = import_beside(folder, **kwargs)
    assert done.returncode == 1
    assert done.stderr.count('ImportError: ') == 1
    return done.stderr.split('ImportError: ')[1]


def commands(message: str) -> list[str]:
    return re.findall(r'^    (\S.*)$', message, flags=re.MULTILINE)


@pytest.mark.parametrize('versions', [ONEDL, UPSTREAM])
def test_import_accepts_one_whole_family(tmp_path, versions):
    install(tmp_path, versions)
    done = import_beside(tmp_path)
    assert (done.returncode, done.stderr) == (0, '')


def test_import_accepts_newer_patch_and_local_version(tmp_path):
    install(tmp_path, {**ONEDL, 'onedl-mmcv': '2.3.9.post1+cu129'})
    assert import_beside(tmp_path).returncode == 0


def test_import_loads_no_heavy_package(tmp_path):
    code = (
        'import cupre_mm\n'
        'heavy = {"torch", "numpy", "mmengine", "mmcv", "mmdet"}\n'
        'print(sorted(heavy & set(sys.modules)), cupre_mm.__version__)'
    )
    done = import_beside(tmp_path, site=True, code=code)
    assert done.stdout.split() == ['[]', '0.1.0'], done.stderr


def test_import_refuses_upstream_mmcv_beside_this_environment(tmp_path):
    install(tmp_path, {'mmcv': '2.1.0'})
    message = refusal(tmp_path, site=True)
    assert 'mmcv 2.1.0' in message
    assert re.search(r'onedl-mmdetection \d+\.\d+', message)
    assert 'Two families are mixed' in message
    assert commands(message)[0].startswith('pip uninstall -y onedl-mmengine')


def test_import_refuses_mixed_families_and_names_the_mend(tmp_path):
    mixed = {
        'mmengine': '0.10.7',
        'onedl-mmcv': '2.3.6',
        'mmdet': '3.3.0',
        'onedl-mmpretrain': '1.3.6',
    }
    install(tmp_path, mixed)
    message = refusal(tmp_path)
    for name, version in mixed.items():
        assert f'{name} {version}' in message
    remove, tools, compiled, pure = commands(message)
    assert set(remove.split()[3:]) == set(mixed)
    assert tools == 'pip install "setuptools<81" wheel ninja'
    assert '--no-build-isolation "onedl-mmcv>=' in compiled
    for name in ('onedl-mmengine', 'onedl-mmdetection', 'onedl-mmpretrain'):
        assert f'"{name}>=' in pure


def test_import_refuses_two_distributions_of_one_import_name(tmp_path):
    install(tmp_path, {**UPSTREAM, 'mmcv-lite': '2.1.0'})
    message = refusal(tmp_path)
    assert 'mmcv and mmcv-lite overwrite each other' in message
    assert 'Two families' not in message
    assert 'mmcv-lite' in commands(message)[0]


def test_import_refuses_mmcls_beside_onedl(tmp_path):
    install(tmp_path, {**ONEDL, 'mmcls': '1.0.0rc6'})
    assert 'upstream OpenMMLab (mmcls)' in refusal(tmp_path)


def test_import_refuses_version_below_the_minimum(tmp_path):
    install(tmp_path, {**ONEDL, 'onedl-mmdetection': '3.4.9'})
    message = refusal(tmp_path)
    assert 'onedl-mmdetection 3.4.9 is not supported' in message
    assert commands(message) == ['pip install "onedl-mmdetection>=3.5.1,<4"']


def test_import_refuses_upstream_mmcv_that_mmdet_refuses(tmp_path):
    install(tmp_path, {**UPSTREAM, 'mmcv': '2.2.0'})
    message = refusal(tmp_path)
    assert 'mmcv 2.2.0 is not supported' in message
    assert commands(message)[-1].endswith('"mmcv>=2.1.0,<2.2"')


def test_import_refuses_mmcv_without_operators(tmp_path):
    versions = {**UPSTREAM, 'mmcv-lite': '2.1.0'}
    del versions['mmcv']
    install(tmp_path, versions)
    message = refusal(tmp_path)
    assert 'mmcv-lite will not do' in message
    assert commands(message)[0] == 'pip uninstall -y mmcv-lite'


def test_import_names_only_what_is_missing(tmp_path):
    versions = dict(ONEDL)
    del versions['onedl-mmpretrain']
    install(tmp_path, versions)
    message = refusal(tmp_path)
    assert 'onedl-mmpretrain is not installed' in message
    assert commands(message) == ['pip install "onedl-mmpretrain>=1.3.6,<2"']


def test_import_names_the_whole_set_where_nothing_is_installed(tmp_path):
    message = refusal(tmp_path)
    assert 'Found: none' in message
    assert message.count('is not installed') == 4
