"""mim from another folder, in environments of its own.

An environment sees the packages of this one through a path file, so that only
mim and cupre_mm itself are installed anew.
"""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import ROOT, build_wheel, copy_checkout

pytestmark = pytest.mark.slow

CONFIG = 'configs/demo/finetune_scratch_demo.py'
TIMEOUT = 1200


def run(command: list[str | Path], cwd: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    environment.pop('PYTHONPATH', None)
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def succeed(command: list[str | Path], cwd: Path) -> str:
    done = run(command, cwd)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.fixture
def make_environment(tmp_path) -> Callable[[str], Path]:
    """A function that makes an environment with one mim; skips without."""

    def make(mim: str) -> Path:
        folder = tmp_path / 'venv'
        succeed([sys.executable, '-m', 'venv', folder], tmp_path)
        version = 'python{}.{}'.format(*sys.version_info)
        path_file = folder / 'lib' / version / 'site-packages' / 'outer.pth'
        path_file.write_text(sysconfig.get_path('purelib') + '\n')
        # The constraints keep the pins of mim's dependencies from replacing
        # what the project needs, setuptools with pkg_resources above all.
        pip = [folder / 'bin' / 'python', '-m', 'pip', 'install']
        pins = ['-c', ROOT / 'constraints.txt']
        done = run([*pip, *pins, mim, 'setuptools'], tmp_path)
        if done.returncode != 0:
            reason = done.stdout.strip().splitlines()[-1]
            pytest.skip(f'{mim} cannot be installed here: {reason}')
        return folder / 'bin'

    return make


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """A folder outside the checkout, with demo data and nothing else."""
    folder = tmp_path / 'elsewhere'
    folder.mkdir()
    tools = ROOT / 'tools'
    data = Path('data', 'demo')
    succeed(
        [
            *(sys.executable, tools / 'make_demo_data.py', data),
            *('--seed', '0', '--size', 'tiny'),
        ],
        folder,
    )
    labelled = data / 'cells_labelled' / 'annotations'
    succeed(
        [
            *(sys.executable, tools / 'dataset_converters' / 'make_splits.py'),
            *(labelled / 'instances.json', labelled / 'seed0', '--seed', '0'),
        ],
        folder,
    )
    return folder


def train_and_test(mim: Path, folder: Path) -> None:
    trained = succeed(
        [
            *(mim, 'train', 'cupre_mm', CONFIG),
            *('--work-dir', 'trained'),
            *('--cfg-options', 'train_cfg.max_iters=1'),
        ],
        folder,
    )
    assert 'Training finished successfully' in trained
    checkpoint = folder / 'trained' / 'iter_1.pth'
    assert checkpoint.is_file()
    tested = succeed(
        [
            *(mim, 'test', 'cupre_mm', CONFIG),
            *('--checkpoint', checkpoint, '--work-dir', 'tested'),
        ],
        folder,
    )
    assert 'Testing finished successfully' in tested
    assert list((folder / 'tested').rglob('report.json'))
    images = Path('data', 'demo', 'cells_labelled', 'images')
    predicted = succeed(
        [
            *(mim, 'run', 'cupre_mm', 'predict', ROOT / CONFIG, checkpoint),
            *(images, 'predicted', '--outputs', 'label', '--device', 'cpu'),
        ],
        folder,
    )
    assert 'The script finished successfully' in predicted
    assert list((folder / 'predicted' / 'label').rglob('*.tif'))


def test_openmim_trains_and_tests_an_installed_wheel(
    make_environment, elsewhere, tmp_path
):
    scripts = make_environment('openmim')
    wheel = build_wheel(copy_checkout(tmp_path), tmp_path / 'wheel')
    pip = [scripts / 'python', '-m', 'pip', 'install', '--no-deps']
    succeed([*pip, '--ignore-installed', wheel], tmp_path)
    train_and_test(scripts / 'mim', elsewhere)


def test_onedl_mim_trains_and_tests_an_editable_install(
    make_environment, elsewhere, tmp_path
):
    scripts = make_environment('onedl-mim')
    source = copy_checkout(tmp_path)
    pip = [scripts / 'python', '-m', 'pip', 'install', '--no-deps']
    editable = ['--ignore-installed', '--no-build-isolation', '-e', source]
    succeed([*pip, *editable], tmp_path)
    train_and_test(scripts / 'mim', elsewhere)
