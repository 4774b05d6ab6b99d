"""Which OpenMMLab distributions are installed, and whether they fit together.

The upstream OpenMMLab distributions and their maintained OneDL successors
install the same import names. pip sees no conflict between them: the files
of one overwrite those of the other, and what fails later names neither. Only
``importlib.metadata`` is used here, so that the check comes before any of
these packages is imported and costs milliseconds.
"""

import re
from importlib import metadata
from typing import NamedTuple

ONEDL = 'OneDL'
UPSTREAM = 'upstream OpenMMLab'


class Distribution(NamedTuple):
    """One known distribution.

    Attributes:
        family (str): ``ONEDL`` or ``UPSTREAM``.
        module (str): The import name that it installs.
        bounds (tuple[str, str] | None): Lowest supported version and the
            first one above that is not; None where no version will do.
    """

    family: str
    module: str
    bounds: tuple[str, str] | None


# The upper bounds of mmcv are those that mmdet 3.3 (upstream) and mmpretrain
# 1.3 (OneDL) assert when they are imported.
KNOWN = {
    'onedl-mmengine': Distribution(ONEDL, 'mmengine', ('0.10.12', '1')),
    'onedl-mmcv': Distribution(ONEDL, 'mmcv', ('2.3.0', '2.4')),
    'onedl-mmdetection': Distribution(ONEDL, 'mmdet', ('3.5.1', '4')),
    'onedl-mmpretrain': Distribution(ONEDL, 'mmpretrain', ('1.3.6', '2')),
    'mmengine': Distribution(UPSTREAM, 'mmengine', ('0.10.7', '1')),
    'mmengine-lite': Distribution(UPSTREAM, 'mmengine', ('0.10.7', '1')),
    'mmcv': Distribution(UPSTREAM, 'mmcv', ('2.1.0', '2.2')),
    'mmcv-full': Distribution(UPSTREAM, 'mmcv', None),
    'mmcv-lite': Distribution(UPSTREAM, 'mmcv', None),
    'mmdet': Distribution(UPSTREAM, 'mmdet', ('3.3.0', '3.4')),
    'mmpretrain': Distribution(UPSTREAM, 'mmpretrain', ('1.2.0', '1.3')),
    'mmcls': Distribution(UPSTREAM, 'mmcls', None),
    'mmselfsup': Distribution(UPSTREAM, 'mmselfsup', None),
}
NEEDED = ('mmengine', 'mmcv', 'mmdet', 'mmpretrain')


class Diagnosis(NamedTuple):
    """What a set of installed distributions is.

    Attributes:
        found (dict[str, str]): Version by distribution name.
        problems (list[str]): One sentence each; none where the set works.
        commands (list[str]): The pip commands that mend it.
    """

    found: dict[str, str]
    problems: list[str]
    commands: list[str]


def find_distributions() -> dict[str, str]:
    """Find which of the known distributions are installed.

    Returns:
        dict[str, str]: Version by distribution name, in the order of
        ``KNOWN``.
    """
    found = {}
    for name in KNOWN:
        try:
            found[name] = metadata.version(name) or 'of unknown version'
        except metadata.PackageNotFoundError:
            continue
    return found


def check_distributions() -> None:
    """Refuse a set of OpenMMLab distributions that cannot work.

    Raises:
        ImportError: If two families are installed side by side, two
            distributions share an import name, one is missing, or a version
            is not supported. The message names what was found and the
            commands that mend it.
    """
    found, problems, commands = diagnose(find_distributions())
    if not problems:
        return
    listed = ', '.join(f'{name} {found[name]}' for name in found) or 'none'
    raise ImportError(
        'cupre_mm needs one matching set of OpenMMLab distributions.\n'
        f'Found: {listed}\n'
        + ''.join(f'- {problem}\n' for problem in problems)
        + 'To mend it:\n'
        + ''.join(f'    {line}\n' for line in commands)
        + 'docs/installation.md of cupre_mm says more.'
    )


def diagnose(found: dict[str, str]) -> Diagnosis:
    """Say what is wrong with a set of distributions, and what mends it.

    Args:
        found (dict[str, str]): Version by distribution name, as
            :func:`find_distributions` returns it.

    Returns:
        Diagnosis: The set, its problems and the commands.
    """
    problems, remove, families = _collisions(found)
    if remove:
        family, wanted = ONEDL, NEEDED
    else:
        family = families[0] if families else ONEDL
        problems, remove, wanted = _unfit(found, family)
    commands = _mend(family, wanted, remove) if problems else []
    return Diagnosis(found, problems, commands)


def _collisions(
    found: dict[str, str],
) -> tuple[list[str], list[str], list[str]]:
    """Say what is installed twice, by family or by import name."""
    problems = []
    by_family: dict[str, list[str]] = {}
    by_module: dict[str, list[str]] = {}
    for name in found:
        by_family.setdefault(KNOWN[name].family, []).append(name)
        by_module.setdefault(KNOWN[name].module, []).append(name)
    if len(by_family) > 1:
        sides = ' and '.join(
            f'{family} ({", ".join(names)})'
            for family, names in by_family.items()
        )
        problems.append(f'Two families are mixed: {sides}.')
    problems += [
        f'{" and ".join(names)} overwrite each other: both are imported as '
        f'{module}.'
        for module, names in by_module.items()
        if len(names) > 1
    ]
    return problems, list(found) if problems else [], list(by_family)


def _unfit(
    found: dict[str, str], family: str
) -> tuple[list[str], list[str], list[str]]:
    """Say what is missing in a family or has an unsupported version."""
    problems, remove, wanted = [], [], []
    for module in NEEDED:
        names = [name for name in found if KNOWN[name].module == module]
        if not names:
            problems.append(f'{_provider(family, module)} is not installed.')
            wanted.append(module)
            continue
        name = names[0]
        bounds = KNOWN[name].bounds
        if bounds is None:
            problems.append(
                f'{name} will not do: {_provider(family, module)} with '
                'compiled operators is needed.'
            )
            remove.append(name)
            wanted.append(module)
        elif not (
            release(bounds[0]) <= release(found[name]) < release(bounds[1])
        ):
            problems.append(
                f'{name} {found[name]} is not supported: it must be at least '
                f'{bounds[0]} and below {bounds[1]}.'
            )
            wanted.append(module)
    return problems, remove, wanted


def _provider(family: str, module: str) -> str:
    """Name the distribution of a family that installs an import name."""
    return next(
        name
        for name, known in KNOWN.items()
        if (known.family, known.module) == (family, module) and known.bounds
    )


def _mend(
    family: str, wanted: tuple[str, ...] | list[str], remove: list[str]
) -> list[str]:
    """Write the pip commands that lead to a set that works."""
    lines = []
    if remove:
        lines.append('pip uninstall -y ' + ' '.join(remove))
    pure = []
    for module in wanted:
        name = _provider(family, module)
        low, high = KNOWN[name].bounds
        requirement = f'"{name}>={low},<{high}"'
        if module != 'mmcv':
            pure.append(requirement)
            continue
        lines += [
            'pip install "setuptools<81" wheel ninja',
            # Compiled against the torch that is there, hence no isolation.
            'MMCV_WITH_OPS=1 pip install --no-build-isolation ' + requirement,
        ]
    if pure:
        lines.append('pip install ' + ' '.join(pure))
    return lines


def release(version: str) -> tuple[int, ...]:
    """Take the leading numbers of a version, for comparisons.

    Args:
        version (str): A version; its local label is left out.

    Returns:
        tuple[int, ...]: Its numbers without zeros at the end.
    """
    numbers = re.match(r'\d+(?:\.\d+)*', version)
    if numbers is None:
        return ()
    parts = [int(part) for part in numbers.group().split('.')]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
