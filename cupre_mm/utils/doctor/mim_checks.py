"""Checks of mim and of what it needs of setuptools."""

import shutil
import sys
from importlib import util
from pathlib import Path

from cupre_mm.utils.distributions import release
from cupre_mm.utils.doctor.findings import OK, PROBLEM, WARNING, Finding
from cupre_mm.utils.doctor.installed import installed_kind, installed_version
from cupre_mm.utils.doctor.state import PACKAGE, ROOT, State, is_checkout

MIMS = ('openmim', 'onedl-mim')
# mim and mmcv import pkg_resources, which later ones have dropped; earlier
# ones cannot build the project.
SETUPTOOLS = ('77', '81')
# Any config serves to see whether a folder holds copies of them.
CONFIG = 'amt2.py'
WHEEL = (
    'pip wheel --no-deps . -w dist',
    'pip install --no-deps --force-reinstall dist/cupre_mm-*.whl',
)
EDITABLE = ('pip install --no-deps --no-build-isolation -e .',)


def check_setuptools(state: State) -> list[Finding]:
    """Look at setuptools and its pkg_resources.

    Args:
        state (State): Not used.

    Returns:
        list[Finding]: One finding.
    """
    version = installed_version('setuptools')
    there = util.find_spec('pkg_resources') is not None
    details = {'version': version, 'pkg_resources': there}
    low, high = SETUPTOOLS
    mend = (f'pip install "setuptools>={low},<{high}"',)
    if version is None:
        told = 'not installed; compiling mmcv and mim need it'
    elif not release(low) <= release(version) < release(high):
        told = (
            f'{version}: mmcv, mim and building cupre_mm want at least {low} '
            f'and below {high}'
        )
    elif not there:
        told = f'{version} without pkg_resources, which mim imports'
    else:
        told = f'{version}, with pkg_resources'
        return [Finding('setuptools', OK, told, (), details)]
    return [Finding('setuptools', WARNING, told, mend, details)]


def check_mim(state: State) -> list[Finding]:
    """Look at which mim is there and whether it finds the configs.

    openmim looks for an editable package in site-packages; onedl-mim takes
    the first file of a wheel, which lies in its dist-info, for the package.

    Args:
        state (State): Not used.

    Returns:
        list[Finding]: One finding.
    """
    mims = {
        name: version for name in MIMS if (version := installed_version(name))
    }
    kind = installed_kind('cupre_mm')
    script = shutil.which('mim')
    details = {'mims': mims, 'cupre_mm': kind, 'script': script}
    listed = ', '.join(f'{name} {version}' for name, version in mims.items())

    def found(status: str, told: str, *mend: str) -> list[Finding]:
        return [Finding('mim', status, told, mend, details)]

    if not mims:
        return found(OK, 'not installed; tools/train.py does without')
    if len(mims) > 1:
        return found(
            PROBLEM,
            f'{listed} overwrite each other: both are imported as mim',
            f'pip uninstall -y {" ".join(mims)}',
            'pip install onedl-mim "setuptools>=77,<81"',
        )
    (name,) = mims
    if script and Path(script).parent != Path(sys.executable).parent:
        return found(
            WARNING,
            f'{listed}, but the command mim is {script}, of another '
            'environment',
            f'{sys.executable} -m mim train cupre_mm CONFIG',
        )
    if kind is None:
        return found(
            WARNING,
            f'{listed}; it does not find cupre_mm, which is not installed',
            *(WHEEL if name == 'openmim' else EDITABLE),
        )
    if name == 'openmim' and kind == 'editable':
        return found(
            WARNING,
            f'{listed} does not find the configs of an editable install; '
            'install a wheel, or use python tools/train.py',
            *WHEEL,
        )
    if name == 'onedl-mim' and kind == 'wheel':
        return found(
            WARNING,
            f'{listed} does not find the configs of a wheel; install '
            'editable from a checkout, or use python tools/train.py',
            *EDITABLE,
        )
    if kind == 'wheel' and not (PACKAGE / '.mim' / 'configs').is_dir():
        return found(
            PROBLEM,
            f'{listed}; the installed cupre_mm has no configs in '
            f'{PACKAGE / ".mim"}: its wheel is broken',
            *WHEEL,
        )
    doubled = [
        folder
        for folder in (ROOT / 'build', PACKAGE / '.mim')
        if is_checkout() and next(folder.rglob(CONFIG), None)
    ]
    if name == 'onedl-mim' and doubled:
        return found(
            WARNING,
            f'{listed} finds each config twice and stops, because of '
            f'{", ".join(str(folder) for folder in doubled)}',
            'make clean',
        )
    return found(OK, f'{listed}, with cupre_mm as {kind}')
