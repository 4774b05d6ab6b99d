"""Checks of the data folders that the configs name."""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from cupre_mm.utils.doctor.data_sets import (
    FULL_SOURCES,
    MINI_SOURCES,
    SETS,
    SPLITS,
    DataSet,
    prepare_command,
)
from cupre_mm.utils.doctor.findings import OK, PROBLEM, WARNING, Finding
from cupre_mm.utils.doctor.state import PACKAGE, ROOT, State, is_checkout

IMAGES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff')


def check_data(state: State) -> list[Finding]:
    """Look for every set that a config names.

    A set that is not there is a warning, as nobody needs all of them; one
    that is there in part is a problem.

    Args:
        state (State): The root of all data.

    Returns:
        list[Finding]: One finding for each set and one for the sources of
        unlabelled cells.
    """
    splits = os.environ.get('CUPRE_SPLITS', SPLITS)
    return [
        *(_check_set(state, one, splits) for one in SETS),
        _check_sources(state),
    ]


def count_images(folder: Path) -> int:
    """Count the image files below a folder, by their names.

    Args:
        folder (Path): The folder; links to folders are followed.

    Returns:
        int: The number; 0 where there is no such folder.
    """
    return sum(
        name.lower().endswith(IMAGES)
        for _, _, names in os.walk(folder, followlinks=True)
        for name in names
    )


def _check_set(state: State, one: DataSet, splits: str) -> Finding:
    folder = state.data_root / one.folder
    check = f'data {one.folder}'
    make = _fill_in(state, one.make)
    if not folder.is_dir():
        told = f'{folder} is not there; {one.used_by} need it'
        details = {'folder': str(folder), 'exists': False}
        return Finding(check, WARNING, told, make, details)
    counts = {name: count_images(folder / name) for name in one.images}
    files = [name.format(splits=splits) for name in one.files]
    missing = [name for name in files if not (folder / name).is_file()]
    missing += [name for name, number in counts.items() if number == 0]
    details = {
        'folder': str(folder),
        'exists': True,
        'images': counts,
        'missing': missing,
    }
    listed = ', '.join(
        f'{number} in {name}' for name, number in counts.items()
    )
    if missing:
        told = (
            f'{folder} is not whole: without {", ".join(missing)} '
            f'(images: {listed})'
        )
        return Finding(check, PROBLEM, told, make, details)
    told = f'{folder}, images: {listed}'
    return Finding(check, OK, told, (), details)


def _check_sources(state: State) -> Finding:
    folder = state.data_root / 'cells'
    check = 'data cells'
    counts = {}
    if folder.is_dir():
        counts = {
            path.name: count_images(path)
            for path in sorted(folder.iterdir())
            if path.is_dir()
        }
    wanted = {'configs/mini/': MINI_SOURCES, 'configs/amt2.py': FULL_SOURCES}
    missing = {
        configs: [name for name in sources if not counts.get(name)]
        for configs, sources in wanted.items()
    }
    details = {
        'folder': str(folder),
        'exists': folder.is_dir(),
        'images': counts,
        'missing': missing,
    }
    listed = ', '.join(f'{name} {number}' for name, number in counts.items())
    told = f'{folder}, images: {listed or "none"}'
    lacks = [
        f'{configs} lacks {", ".join(names)}'
        for configs, names in missing.items()
        if names
    ]
    if not lacks:
        return Finding(check, OK, told, (), details)
    names = dict.fromkeys(name for names in missing.values() for name in names)
    return Finding(
        check,
        WARNING,
        f'{told}; {"; ".join(lacks)}',
        _fill_in(state, [prepare_command(name) for name in names]),
        details,
    )


def _fill_in(state: State, commands: Iterable[str]) -> tuple[str, ...]:
    tools = ROOT / 'tools' if is_checkout() else PACKAGE / '.mim' / 'tools'
    if tools.parent == state.folder:
        tools = Path('tools')
    return tuple(
        command.format(
            data=shlex.quote(str(state.data_root)),
            tools=shlex.quote(str(tools)),
        )
        for command in commands
    )
