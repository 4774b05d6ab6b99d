"""Reads the argument parsers of tools; run as a process of its own.

Prints json: for each tool the usage, the description, the epilog and the
groups of arguments.

Example:
    python docs/generators/tool_parsers.py tools/train.py tools/test.py
"""

import argparse
import json
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WIDTH = 79


class _ParserFoundError(Exception):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def _stop(parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> None:
    raise _ParserFoundError(parser)


def find_parser(tool: str) -> argparse.ArgumentParser:
    """Run a tool as far as its parser.

    Args:
        tool (str): Its path below the project's root.

    Returns:
        argparse.ArgumentParser: The parser, with all arguments.

    Raises:
        SystemExit: If the tool ends without one.
    """
    with (
        mock.patch.object(argparse.ArgumentParser, 'parse_known_args', _stop),
        mock.patch.object(sys, 'argv', [tool]),
    ):
        try:
            runpy.run_path(str(ROOT / tool), run_name='__main__')
        except _ParserFoundError as found:
            return found.parser
    raise SystemExit(f'{tool} ended without parsing arguments')


def describe(parser: argparse.ArgumentParser, tool: str) -> dict[str, Any]:
    """Put a parser into plain types.

    Args:
        parser (argparse.ArgumentParser): The parser.
        tool (str): Its tool's path below the project's root.

    Returns:
        dict: ``usage``, ``description``, ``epilog`` and ``groups``.
    """
    parser.prog = f'python {tool}'
    formatter = parser._get_formatter()
    groups = []
    for group in parser._action_groups:
        rows = [
            {
                'names': list(action.option_strings),
                'values': _values(formatter, action),
                'help': formatter._expand_help(action) if action.help else '',
            }
            for action in group._group_actions
            if action.help is not argparse.SUPPRESS
            and not isinstance(action, argparse._HelpAction)
        ]
        if rows:
            groups.append(
                {
                    'title': group.title or '',
                    'description': group.description or '',
                    'rows': rows,
                }
            )
    return {
        'usage': parser.format_usage().removeprefix('usage: ').strip(),
        'description': parser.description or '',
        'epilog': parser.epilog or '',
        'groups': groups,
    }


def _values(formatter: argparse.HelpFormatter, action: argparse.Action) -> str:
    if action.option_strings and action.nargs == 0:
        return ''
    default = (
        formatter._get_default_metavar_for_optional(action)
        if action.option_strings
        else formatter._get_default_metavar_for_positional(action)
    )
    return formatter._format_args(action, default)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the parsers of the named tools.

    Args:
        argv (Sequence[str], optional): Paths below the project's root.
            Defaults to ``sys.argv[1:]``.
    """
    # A checkout, not what is installed; and this folder has common names.
    sys.path[:] = [str(ROOT), *(p for p in sys.path if p != str(HERE))]
    sys.path.insert(1, str(HERE))
    from stub_imports import StubFinder

    sys.path.remove(str(HERE))
    sys.meta_path.insert(0, StubFinder(['cupre_mm']))
    # Without its __init__, which asks for the distributions of OpenMMLab.
    package = ModuleType('cupre_mm')
    package.__path__ = [str(ROOT / 'cupre_mm')]
    sys.modules['cupre_mm'] = package
    os.environ['COLUMNS'] = str(WIDTH)
    tools = sys.argv[1:] if argv is None else list(argv)
    found = {tool: describe(find_parser(tool), tool) for tool in tools}
    json.dump(found, sys.stdout)


if __name__ == '__main__':
    main()
