"""tools/doctor.py in environments of every state, from the command line."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.fake_site import (
    ONEDL,
    UPSTREAM,
    Environment,
    install,
    write_package,
)
from tools import doctor as tool

DOCTOR = ROOT / 'tools' / 'doctor.py'
# As much of torch as the doctor asks for.
TORCH = """
__version__ = '2.11.0'
def get_num_threads():
    return 2
class version:
    cuda = hip = None
class cuda:
    is_available = staticmethod(lambda: False)
    device_count = staticmethod(lambda: 0)
def __getattr__(name):
    return lambda *args, **kwargs: None
"""
DIE = 'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)'


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path / 'venv')


@pytest.fixture
def elsewhere(tmp_path):
    folder = tmp_path / 'elsewhere'
    folder.mkdir()
    return folder


def examine(environment, elsewhere, *arguments, **variables):
    """Exit code and findings by check."""
    done = environment.run(
        DOCTOR, '--json', *arguments, cwd=elsewhere, **variables
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert len({one['check'] for one in report['findings']}) == len(
        report['findings']
    )
    found = {one['check']: one for one in report['findings']}
    return done.returncode, found


def test_this_environment_is_fine_but_for_data(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv('PYTHONPATH', raising=False)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / 'out' / 'doctor.json'
    code = tool.main(['--json', str(out), '--data-root', 'nowhere'])
    report = json.loads(out.read_text())
    status = {one['check']: one['status'] for one in report['findings']}
    for check in (
        'torch',
        'torchvision',
        'openmmlab distributions',
        'openmmlab imports',
        'mmcv operators on cpu',
        'numpy',
        'opencv',
    ):
        assert status[check] == 'ok', report
    assert status['data bbbc038'] == 'warning'
    assert code == (report['status'] == 'problem')
    printed = capsys.readouterr().out
    assert 'nms, roi_align, deform_conv gave the right values' in printed
    assert 'mend: python ' in printed
    assert f'Json: {out}' in printed
    assert report['bug_report'] in printed


def test_json_holds_the_same_keys_for_every_finding(environment, elsewhere):
    done = environment.run(DOCTOR, '--json', cwd=elsewhere)
    report = json.loads(done.stdout)
    assert set(report) == {
        'format',
        'status',
        'counts',
        'findings',
        'bug_report',
    }
    assert (report['format'], report['status']) == (1, 'problem')
    assert sum(report['counts'].values()) == len(report['findings'])
    for one in report['findings']:
        assert set(one) == {'check', 'status', 'summary', 'mend', 'details'}
        assert one['status'] in ('ok', 'warning', 'problem')
        assert one['summary']
        assert all(isinstance(line, str) for line in one['mend'])


def test_empty_environment_gets_commands_for_all(environment, elsewhere):
    code, found = examine(environment, elsewhere)
    assert code == 1
    assert found['torch']['summary'] == 'torch is not installed'
    assert found['torch']['mend'] == [
        'pip install torch==2.11.0 torchvision==0.26.0'
    ]
    missing = found['openmmlab distributions']
    assert missing['status'] == 'problem'
    assert 'onedl-mmcv>=2.3.0' in missing['mend'][1]
    for check in ('openmmlab imports', 'mmcv operators on cpu', 'numpy'):
        assert found[check]['status'] == 'problem', check
    assert found['opencv']['summary'] == 'OpenCV is not installed'
    assert found['python']['status'] == 'ok'


def test_mixed_families_are_told_although_cupre_mm_refuses_them(
    environment, elsewhere
):
    install(environment.site, {**ONEDL, 'mmcv': '2.1.0'})
    code, found = examine(environment, elsewhere)
    mixed = found['openmmlab distributions']
    assert (code, mixed['status']) == (1, 'problem')
    assert 'Two families are mixed' in mixed['summary']
    assert mixed['details']['clean'] is False
    assert mixed['mend'][0].startswith('pip uninstall -y onedl-mmengine')
    assert 'mmcv' in mixed['mend'][0].split()


def test_files_of_another_version_than_pip_recorded_are_told(
    environment, elsewhere
):
    install(environment.site, UPSTREAM)
    write_package(environment.site, 'torch', TORCH)
    for module, version in UPSTREAM.items():
        write_package(environment.site, module, f'__version__ = {version!r}')
    _, found = examine(environment, elsewhere)
    assert found['openmmlab distributions']['status'] == 'ok'
    assert found['openmmlab imports']['status'] == 'ok'
    write_package(environment.site, 'mmcv', "__version__ = '2.3.6'")
    _, found = examine(environment, elsewhere)
    left_over = found['openmmlab imports']
    assert left_over['status'] == 'problem'
    assert 'says it is version 2.3.6, pip says 2.1.0' in left_over['summary']
    assert any('mmcv==2.1.0' in line for line in left_over['mend'])


def test_operators_that_kill_their_process_leave_the_rest(
    environment, elsewhere
):
    install(environment.site, {**ONEDL, 'torch': '2.11.0'})
    write_package(environment.site, 'torch', TORCH)
    write_package(environment.site, 'mmcv', "__version__ = '2.3.6'")
    write_package(environment.site, 'mmcv.ops', DIE)
    code, found = examine(environment, elsewhere)
    broken = found['mmcv operators on cpu']
    assert (code, broken['status']) == (1, 'problem')
    for name in ('nms', 'roi_align', 'deform_conv'):
        assert (
            f'{name}: the process was killed by SIGSEGV' in (broken['summary'])
        )
    assert broken['mend'][-1] == (
        'MMCV_WITH_OPS=1 pip install --no-build-isolation --no-deps '
        '--force-reinstall --no-binary onedl-mmcv onedl-mmcv==2.3.6'
    )
    assert found['torch']['status'] == 'ok'
    assert found['open files']['summary']


def test_torch_that_cannot_be_imported_is_told_with_its_error(
    environment, elsewhere
):
    install(environment.site, {'torch': '2.11.0', **ONEDL})
    error = "raise OSError('libcudart.so.13: cannot open shared object')"
    write_package(environment.site, 'torch', error)
    _, found = examine(environment, elsewhere)
    assert found['torch']['status'] == 'problem'
    assert 'libcudart.so.13' in found['torch']['summary']
    assert found['torch']['mend'] == [
        'pip install --force-reinstall torch==2.11.0 torchvision==0.26.0'
    ]


def test_small_disk_by_option_is_a_problem(environment, elsewhere):
    _, found = examine(environment, elsewhere, '--min-free-gb', '0')
    assert found['disk space']['status'] == 'ok'
    _, found = examine(environment, elsewhere, '--min-free-gb', '1e12')
    short = found['disk space']
    assert short['status'] == 'problem'
    assert 'too little for runs (wants 1e+12 GB)' in short['summary']
    assert any('--work-dir' in line for line in short['mend'])


def test_package_folder_in_the_current_one_is_told(environment, elsewhere):
    write_package(elsewhere, 'mmdet', '')
    (elsewhere / 'mmcv').mkdir()
    _, found = examine(environment, elsewhere)
    shadows = found['shadowed packages']
    assert shadows['status'] == 'warning'
    # A folder without __init__.py does not come before a package.
    assert shadows['details']['in_current_folder'] == [
        str(elsewhere / 'mmdet')
    ]
    _, found = examine(environment, elsewhere, PYTHONPATH=str(elsewhere))
    assert found['shadowed packages']['status'] == 'problem'
    assert found['shadowed packages']['mend'] == ['unset PYTHONPATH']


def test_runs_from_an_installed_wheel(environment, elsewhere):
    package = environment.site / 'cupre_mm'
    shutil.copytree(ROOT / 'cupre_mm' / 'utils', package / 'utils')
    shutil.copy(ROOT / 'cupre_mm' / '__init__.py', package)
    tools = package / '.mim' / 'tools'
    tools.mkdir(parents=True)
    script = Path(shutil.copy(DOCTOR, tools))
    done = environment.run(script, '--json', cwd=elsewhere)
    found = {one['check']: one for one in json.loads(done.stdout)['findings']}
    assert found['cupre_mm']['details']['folder'] == str(package)
    command = found['data demo']['mend'][0]
    assert command.split()[1] == str(tools / 'make_demo_data.py')


def test_old_python_is_told_before_anything_is_imported(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'version_info', (3, 9, 18))
    assert tool.main([]) == 1
    assert 'problem  python  3.9' in capsys.readouterr().out


def test_warnings_count_for_the_exit_code_when_strict(monkeypatch, capsys):
    doctor = tool.load_doctor()
    warning = doctor.Finding('gpu', doctor.WARNING, 'hidden')
    monkeypatch.setattr(doctor, 'examine', lambda state, timeout: [warning])
    assert tool.main([]) == 0
    assert tool.main(['--strict']) == 1
