"""Checks of the interpreter and of what stands in its way."""

import os
import platform
import subprocess
import sys
from importlib import util
from pathlib import Path

from cupre_mm.utils.doctor.findings import OK, PROBLEM, WARNING, Finding
from cupre_mm.utils.doctor.installed import installed_kind
from cupre_mm.utils.doctor.state import PACKAGE, ROOT, State, is_checkout
from cupre_mm.utils.doctor.tested_versions import PYTHONS

IMPORTED = (
    'torch',
    'torchvision',
    'numpy',
    'cv2',
    'mmengine',
    'mmcv',
    'mmdet',
    'mmpretrain',
    'pycocotools',
    'cupre_mm',
)


def check_python(state: State) -> list[Finding]:
    """Look at the interpreter.

    Args:
        state (State): Not used.

    Returns:
        list[Finding]: One finding.
    """
    name = f'{platform.python_implementation()} {platform.python_version()}'
    details = {
        'version': platform.python_version(),
        'executable': sys.executable,
        'virtual_environment': sys.prefix != sys.base_prefix,
        'platform': platform.platform(),
        'conda': os.environ.get('CONDA_DEFAULT_ENV'),
    }
    lowest, highest = PYTHONS
    if (
        not lowest <= sys.version_info[:2] <= highest
        or platform.python_implementation() != 'CPython'
        or sys.maxsize < 2**32
    ):
        return [
            Finding(
                'python',
                PROBLEM,
                f'{name}: 64-bit CPython 3.{lowest[1]} to 3.{highest[1]} is '
                'needed',
                (f'make setup PYTHON=python3.{highest[1]} VENV=.venv-new',),
                details,
            )
        ]
    if sys.platform != 'linux':
        return [
            Finding(
                'python',
                WARNING,
                f'{name} on {sys.platform}: the project is tested on Linux '
                'alone',
                (),
                details,
            )
        ]
    return [Finding('python', OK, f'{name}, {sys.executable}', (), details)]


def check_cupre_mm(state: State) -> list[Finding]:
    """Tell which copy of the project runs, for bug reports.

    Args:
        state (State): Not used.

    Returns:
        list[Finding]: One finding.
    """
    version = _own_version()
    details = {'version': version, 'folder': str(PACKAGE), 'commit': None}
    details['installed'] = installed_kind('cupre_mm')
    if not is_checkout():
        told = f'{version}, installed in {PACKAGE}'
        return [Finding('cupre_mm', OK, told, (), details)]
    commit = _git('rev-parse', '--short=12', 'HEAD')
    changed = _git('status', '--porcelain', '--untracked-files=no')
    details |= {'commit': commit, 'changed': bool(changed)}
    told = f'{version}, checkout {ROOT}'
    if commit:
        told += f' at {commit}'
    if changed:
        told += f' with {len(changed.splitlines())} changed files'
    if details['installed'] is None:
        told += ', which is not installed: tools/train.py cannot import it'
        mend = (f'pip install --no-build-isolation --no-deps -e {ROOT}',)
        return [Finding('cupre_mm', WARNING, told, mend, details)]
    return [Finding('cupre_mm', OK, told, (), details)]


def check_shadows(state: State) -> list[Finding]:
    """Look for folders that would be imported in place of a package.

    Scripts put their own folder first on the path, ``python -m``, ``python
    -c`` and notebooks the current one, and PYTHONPATH comes before what is
    installed.

    Args:
        state (State): The current folder.

    Returns:
        list[Finding]: One finding.
    """
    named = os.environ.get('PYTHONPATH', '').split(os.pathsep)
    certain = _shadows([Path(folder) for folder in named if folder])
    possible = [
        path for path in _shadows([state.folder]) if path not in certain
    ]
    details = {
        'on_pythonpath': [str(path) for path in certain],
        'in_current_folder': [str(path) for path in possible],
        'PYTHONPATH': os.environ.get('PYTHONPATH'),
    }
    if certain:
        return [
            Finding(
                'shadowed packages',
                PROBLEM,
                f'PYTHONPATH puts {_listed(certain)} before the installed '
                'package of that name',
                ('unset PYTHONPATH',),
                details,
            )
        ]
    if possible:
        return [
            Finding(
                'shadowed packages',
                WARNING,
                f'{_listed(possible)} would be imported in place of the '
                'installed package of that name by python -m, python -c and '
                'notebooks in this folder',
                tuple(f'mv {path} {path}_moved' for path in possible),
                details,
            )
        ]
    told = 'none in the current folder or on PYTHONPATH'
    return [Finding('shadowed packages', OK, told, (), details)]


def _shadows(folders: list[Path]) -> list[Path]:
    """Find packages and modules that are not the installed ones."""
    found = []
    for folder in folders:
        for name in IMPORTED:
            for path in (folder / name, folder / f'{name}.py'):
                entry = path / '__init__.py' if path.suffix == '' else path
                if entry.is_file() and not _is_installed(name, entry):
                    found.append(path)
    return found


def _is_installed(name: str, entry: Path) -> bool:
    """Tell whether a file is the package that is meant to be imported."""
    if entry.resolve() == (PACKAGE / '__init__.py').resolve():
        return True
    if entry.parent.parent.name in ('site-packages', 'dist-packages'):
        return True
    # An editable install of the package itself.
    spec = util.find_spec(name) if name in sys.modules else None
    return bool(
        spec and spec.origin and Path(spec.origin).resolve() == entry.resolve()
    )


def _listed(paths: list[Path]) -> str:
    return ', '.join(str(path) for path in paths)


def _own_version() -> str:
    """Read the version without running the package's check of its set."""
    text = (PACKAGE / '__init__.py').read_text(encoding='utf-8')
    for line in text.splitlines():
        if line.startswith('__version__'):
            return line.partition('=')[2].strip().strip('\'"')
    return 'unknown'


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ['git', '-C', str(ROOT), *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
