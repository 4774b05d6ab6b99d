"""The page that lists the config files and what each inherits."""

import ast
import posixpath
from pathlib import PurePosixPath

from docs.generators.repository import ROOT, configs

PAGE = 'reference/config_files.md'


def make_pages() -> dict[str, str]:
    """Write the page.

    Returns:
        dict[str, str]: Text by path of the page.
    """
    by_folder: dict[str, list[str]] = {}
    for name in configs():
        by_folder.setdefault(posixpath.dirname(name), []).append(name)
    text = [
        '# Config files',
        '',
        'Every config, what its first comment says of it, and the files that '
        'it inherits. [How configs are built](configs.md).',
        '',
    ]
    # Those that people run come before the parts that they are made of.
    for folder in sorted(by_folder, key=lambda name: ('_base_' in name, name)):
        text += [f'## {folder}', '', '| file | what it is | inherits |']
        text.append('|---|---|---|')
        for name in by_folder[folder]:
            source = (ROOT / name).read_text(encoding='utf-8')
            bases = ', '.join(f'`{base}`' for base in bases_of(name, source))
            text.append(
                f'| `{PurePosixPath(name).name}` '
                f'| {_cell(purpose(source))} | {bases} |'
            )
        text.append('')
    return {PAGE: '\n'.join(text)}


def purpose(source: str) -> str:
    """Find what a config says of itself.

    Args:
        source (str): Its text.

    Returns:
        str: The first paragraph of its docstring, or of the comment at its
        head, in one line.
    """
    docstring = ast.get_docstring(ast.parse(source))
    if docstring:
        return ' '.join(docstring.split('\n\n')[0].split())
    lines = []
    for line in source.splitlines():
        # Its first paragraph.
        if not line.startswith('# '):
            break
        lines.append(line.removeprefix('# '))
    return ' '.join(lines)


def bases_of(name: str, source: str) -> list[str]:
    """List what a config inherits directly.

    Args:
        name (str): Its path below the project's root.
        source (str): Its text.

    Returns:
        list[str]: Paths below the project's root; those of other packages
        as they are written.
    """
    for node in ast.parse(source).body:
        if (
            isinstance(node, ast.Assign)
            and getattr(node.targets[0], 'id', '') == '_base_'
        ):
            value = ast.literal_eval(node.value)
            return [
                base if '::' in base else _resolved(name, base)
                for base in ([value] if isinstance(value, str) else value)
            ]
    return []


def _resolved(name: str, base: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), base))


def _cell(text: str) -> str:
    return text.replace('|', r'\|')
