"""Builds of the project for tests, from a copy: the checkout stays clean."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ('cupre_mm', 'configs', 'tools')
FILES = (
    'CHANGELOG.md',
    'LICENSE',
    'MANIFEST.in',
    'README.md',
    'constraints.txt',
    'mim_build.py',
    'pyproject.toml',
    'requirements.txt',
)


def copy_checkout(folder: Path) -> Path:
    """Copy what a build reads."""
    target = folder / 'checkout'
    left_out = shutil.ignore_patterns('__pycache__', '*.pyc')
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=left_out)
    for name in FILES:
        shutil.copy(ROOT / name, target / name)
    return target


def run_module(*args: str, cwd: Path) -> None:
    """Run a module of this environment; its output is the failure text."""
    done = subprocess.run(
        [sys.executable, '-m', *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def build_wheel(source: Path, out: Path) -> Path:
    """Build the wheel without a network, as `pip wheel` does."""
    pip = ['pip', 'wheel', '--no-deps', '--no-build-isolation', '--no-index']
    run_module(*pip, '--wheel-dir', str(out), str(source), cwd=source)
    return next(out.glob('cupre_mm-*.whl'))
