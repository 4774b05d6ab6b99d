"""The pages of the API reference: one for each public module."""

import ast
from pathlib import Path

from docs.generators.repository import ROOMS, ROOT, modules

FOLDER = 'reference/api'


def page_of(module: str) -> str:
    """Name the page of a module.

    Args:
        module (str): Its dotted name.

    Returns:
        str: Path of the page in the site's source.
    """
    return f'{FOLDER}/{module}.md'


def make_pages() -> dict[str, str]:
    """Write the reference.

    Returns:
        dict[str, str]: Text by path of the page.
    """
    names = list(modules())
    pages = {f'{FOLDER}/index.md': _index(names)}
    for name in names:
        inside = [other for other in names if _parent(other) == name]
        if inside or name in _packages():
            pages[page_of(name)] = _package_page(name, inside)
        else:
            pages[page_of(name)] = f'::: {name}\n'
    return pages


def make_nav() -> list:
    """List the pages as the navigation does, by room.

    Returns:
        list: For mkdocs' ``nav``.
    """
    names = list(modules())
    loose = [
        name
        for name in names
        if _parent(name) in ('', 'cupre_mm')
        and name.rpartition('.')[2] not in ROOMS
    ]
    rooms = [{room: _branch(f'cupre_mm.{room}', names)} for room in ROOMS]
    return [f'{FOLDER}/index.md', *({n: page_of(n)} for n in loose), *rooms]


def _branch(name: str, names: list[str]) -> list:
    items: list = [{'Overview': page_of(name)}]
    for other in names:
        if _parent(other) != name:
            continue
        short = other.rpartition('.')[2]
        if other in _packages():
            items.append({short: _branch(other, names)})
        else:
            items.append({short: page_of(other)})
    return items


def _parent(name: str) -> str:
    return name.rpartition('.')[0]


def _packages() -> set[str]:
    return {
        '.'.join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / 'cupre_mm').rglob('__init__.py')
    }


def _path(name: str) -> Path:
    path = ROOT.joinpath(*name.split('.'))
    return path / '__init__.py' if path.is_dir() else path.with_suffix('.py')


def _summary(name: str) -> str:
    tree = ast.parse(_path(name).read_text(encoding='utf-8'))
    return (ast.get_docstring(tree) or '').split('\n\n')[0].replace('\n', ' ')


def _index(names: list[str]) -> str:
    text = [
        '# API reference',
        '',
        'Every public module of `cupre_mm`, from its docstrings. Arrays are '
        '`(N, C, H, W)`, pictures `(H, W)` or `(H, W, 3)` in the order R, G, '
        'B. Errors that a user can mend are those of '
        '[`cupre_mm.utils.errors`][cupre_mm.utils.errors]. Most people need '
        'one class: [`CellSegmenter`]'
        '[cupre_mm.apis.cell_segmenter.CellSegmenter].',
        '',
    ]
    for room, meaning in ROOMS.items():
        inside = [n for n in names if n.startswith(f'cupre_mm.{room}.')]
        text += [f'## {room}', '', meaning, '']
        text += ['| module | what it is |', '|---|---|']
        text += [
            f'| [`{name.removeprefix("cupre_mm.")}`][{name}] '
            f'| {_cell(_summary(name))} |'
            for name in inside
        ]
        text.append('')
    return '\n'.join(text)


def _package_page(name: str, inside: list[str]) -> str:
    text = [f'::: {name}', '    options:', '      members: false', '']
    exported = _exported(name)
    if exported:
        names = ', '.join(
            # Constants have no entry of their own.
            f'`{short}`' if short.isupper() else f'[`{short}`][{path}]'
            for short, path in exported
        )
        text += [f'Public names: {names}.', '']
    if inside:
        text += ['| module | what it is |', '|---|---|']
        text += [
            f'| [`{other.rpartition(".")[2]}`][{other}] '
            f'| {_cell(_summary(other))} |'
            for other in inside
        ]
    return '\n'.join(text) + '\n'


def _exported(name: str) -> list[tuple[str, str]]:
    """What a package's __init__ imports of its modules."""
    tree = ast.parse(_path(name).read_text(encoding='utf-8'))
    listed = {
        element.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and getattr(node.targets[0], 'id', '') == '__all__'
        for element in ast.walk(node.value)
        if isinstance(element, ast.Constant)
    }
    found = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = node.module or ''
        if node.level:
            module = f'{name}.{module}'
        for alias in node.names:
            if alias.name in listed and module.startswith('cupre_mm.'):
                found[alias.name] = f'{module}.{alias.name}'
    return sorted(found.items())


def _cell(text: str) -> str:
    return text.replace('|', r'\|')
