import os
import subprocess
import sys

import pytest

from docs.generators.cli_pages import make_nav, make_pages, read_parsers
from docs.generators.repository import tools
from docs.generators.tool_parsers import WIDTH
from tests.checkout import ROOT


@pytest.fixture(scope='module')
def parsers():
    return read_parsers()


def test_every_tool_has_a_page_that_tells_each_option(parsers):
    pages = make_pages()
    assert len(parsers) > 25
    for tool, parser in parsers.items():
        page = pages[f'reference/cli/{os.path.basename(tool)[:-3]}.md']
        assert f'`{tool}`' in pages['reference/cli/index.md']
        assert parser['description'], tool
        for group in parser['groups']:
            for row in group['rows']:
                assert row['help'], (tool, row)
                assert all(f'`{name}`' in page for name in row['names'])


def test_every_tool_of_the_project_is_listed(parsers):
    scripts = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / 'tools').rglob('*.py')
        if 'drivers' not in path.parts
    }
    assert set(parsers) == set(tools()) == scripts
    shown = str(make_nav())
    assert all(os.path.basename(tool) in shown for tool in scripts)


def test_stubs_of_libraries_change_nothing_in_the_help(parsers):
    tool = 'tools/predict.py'
    done = subprocess.run(
        [sys.executable, str(ROOT / tool), '--help'],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, 'COLUMNS': str(WIDTH)},
    )
    printed = ' '.join(done.stdout.split())
    parser = parsers[tool]
    assert ' '.join(parser['description'].split()) in printed
    for group in parser['groups']:
        for row in group['rows']:
            # argparse may break a line within a word that has a hyphen.
            wanted = row['help'].replace(' ', '')
            assert wanted in printed.replace(' ', ''), row
    flags = {word.strip(',') for word in printed.split() if word[:2] == '--'}
    documented = {
        name
        for group in parser['groups']
        for row in group['rows']
        for name in row['names']
    }
    assert {flag for flag in flags if flag.islower()} - {'--help'} >= {
        name for name in documented if name.startswith('--')
    }
