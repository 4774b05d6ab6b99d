"""The whole site, built as `make docs` does, and the pages made for it."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from docs.generators.repository import ROOMS, configs, modules, tools
from tests.checkout import ROOT

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ('mkdocs', 'material', 'mkdocstrings', 'griffe'))),
    reason="needs the docs extra: pip install -c constraints.txt '.[docs]'",
)


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp('site')
    command = ['mkdocs', 'build', '--strict', '--site-dir', str(folder)]
    done = subprocess.run(
        [sys.executable, '-m', *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        # A proxy that is not there: nothing may be fetched.
        env={
            **os.environ,
            'http_proxy': 'http://127.0.0.1:9',
            'https_proxy': 'http://127.0.0.1:9',
            'NO_MKDOCS_2_WARNING': '1',
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_each_module_has_a_page_with_its_docstring(site):
    names = list(modules())
    assert len(names) > 200
    for name in names:
        page = site / f'reference/api/{name}.html'
        assert f'id="{name}"' in page.read_text(encoding='utf-8'), name
    page = site / 'reference/api/cupre_mm.apis.cell_segmenter.html'
    text = page.read_text(encoding='utf-8')
    assert 'Finds the cells of an image.' in text
    assert 'id="cupre_mm.apis.cell_segmenter.CellSegmenter.segment"' in text
    assert ':func:`' not in text
    assert ':class:`' not in text


def test_every_room_of_the_package_has_a_section():
    rooms = {
        path.parent.name for path in (ROOT / 'cupre_mm').glob('*/__init__.py')
    }
    assert rooms == set(ROOMS)


def test_each_tool_config_and_registered_type_is_in_the_reference(site):
    index = (site / 'reference/cli/index.html').read_text(encoding='utf-8')
    assert all(tool in index for tool in tools())
    files = (site / 'reference/config_files.html').read_text(encoding='utf-8')
    assert all(os.path.basename(name) in files for name in configs())
    types = (site / 'reference/types.html').read_text(encoding='utf-8')
    assert 'cupre_mm.AMT2TrainLoop' in types
    assert 'cupre_mm.RLEMaskHead' in types


def test_the_pages_are_for_reading_without_a_network(site):
    assert (site / 'external_links.txt').read_text().count('\n') > 10
    assert not list(site.rglob('*.py'))
    index = (site / 'index.html').read_text(encoding='utf-8')
    assert 'I have images and a few labels' in index
    assert 'fonts.googleapis.com' not in index


def test_types_on_the_page_are_those_of_the_registries():
    from mmengine.registry import Registry

    import cupre_mm.datasets
    import cupre_mm.engine
    import cupre_mm.evaluation
    import cupre_mm.models  # noqa: F401
    from cupre_mm import registry
    from docs.generators.type_pages import registered_types

    for name, types in registered_types().items():
        own = getattr(registry, name)
        assert isinstance(own, Registry)
        known = {
            key
            for key, one in own.module_dict.items()
            if one.__module__.startswith('cupre_mm.')
        }
        assert set(types) == known, name
