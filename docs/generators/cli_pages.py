"""The pages of the command-line reference: one for each tool."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from docs.generators.repository import ROOT, tools

FOLDER = 'reference/cli'
_GROUPS = {
    'tools': 'Train, test, predict',
    'tools/dataset_converters': 'Data',
    'tools/analysis': 'Look, compare, measure',
}


def make_pages() -> dict[str, str]:
    """Write the reference.

    Returns:
        dict[str, str]: Text by path of the page.

    Raises:
        RuntimeError: If the parser of a tool cannot be read.
    """
    parsers = read_parsers()
    pages = {f'{FOLDER}/index.md': _index(parsers)}
    pages |= {
        f'{FOLDER}/{_stem(tool)}.md': _page(tool, parser)
        for tool, parser in parsers.items()
    }
    return pages


def make_nav() -> list:
    """List the pages as the navigation does.

    Returns:
        list: For mkdocs' ``nav``.
    """
    grouped = [
        {
            title: [
                {Path(tool).name: f'{FOLDER}/{_stem(tool)}.md'}
                for tool in tools()
                if _group(tool) == folder
            ]
        }
        for folder, title in _GROUPS.items()
    ]
    return [f'{FOLDER}/index.md', *grouped]


def read_parsers() -> dict[str, dict[str, Any]]:
    """Read the arguments of every tool, in a process of its own.

    Returns:
        dict[str, dict]: By path of the tool, see ``tool_parsers.describe``.

    Raises:
        RuntimeError: If one cannot be read.
    """
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / 'docs/generators/tool_parsers.py'),
            *tools(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f'a tool has no parser to read:\n{done.stderr}')
    return json.loads(done.stdout)


def _stem(tool: str) -> str:
    return Path(tool).stem


def _group(tool: str) -> str:
    folder = Path(tool).parent.as_posix()
    return max(
        (name for name in _GROUPS if f'{folder}/'.startswith(f'{name}/')),
        key=len,
    )


def _index(parsers: dict[str, dict[str, Any]]) -> str:
    text = [
        '# Command line',
        '',
        "Each tool is run as `python tools/NAME.py` in the project's root; "
        '`--help` prints what its page says. Those directly in `tools/` also '
        'run as `mim run cupre_mm NAME` from any folder, `train` and `test` '
        'as `mim train cupre_mm` and `mim test cupre_mm` '
        '([which mim](../../installation.md#mim)).',
        '',
        'Exit codes are those of '
        '[troubleshooting](../../howto/troubleshooting.md#exit-codes) '
        'unless a page says otherwise.',
        '',
    ]
    for folder, title in _GROUPS.items():
        text += [f'## {title}', '', '| tool | what it does |', '|---|---|']
        text += [
            f'| [`{tool}`]({_stem(tool)}.md) '
            f'| {_cell(_first_sentence(parser["description"]))} |'
            for tool, parser in parsers.items()
            if _group(tool) == folder
        ]
        text.append('')
    return '\n'.join(text)


def _page(tool: str, parser: dict[str, Any]) -> str:
    text = [
        f'# {Path(tool).name}',
        '',
        _prose(parser['description']),
        '',
        '```text',
        parser['usage'],
        '```',
        '',
    ]
    for group in parser['groups']:
        title = group['title']
        text += [f'## {title[:1].upper()}{title[1:]}', '']
        if group['description']:
            text += [_prose(group['description']), '']
        text += ['| argument | meaning |', '|---|---|']
        for row in group['rows']:
            names = ', '.join(f'`{name}`' for name in row['names'])
            if row['values']:
                names = f'{names} `{_cell(row["values"])}`'.lstrip()
            text.append(f'| {names} | {_cell(_prose(row["help"]))} |')
        text.append('')
    if parser['epilog']:
        text += [_prose(parser['epilog']), '']
    return '\n'.join(text)


def _first_sentence(text: str) -> str:
    text = _prose(text)
    return re.split(r'(?<=[.:;])\s', text)[0].rstrip(':;')


def _prose(text: str) -> str:
    """One paragraph in which nothing is markup by accident."""
    text = re.sub(r'\s+', ' ', text).strip()
    return re.sub(r'([*_<>\[\]`#])', r'\\\1', text)


def _cell(text: str) -> str:
    return text.replace('|', r'\|')
