import importlib.util
from pathlib import Path

import yaml

import cupre_mm

MANIFEST = Path(cupre_mm.__file__).parent / 'napari.yaml'


def test_manifest_names_a_widget_that_is_in_the_package():
    manifest = yaml.safe_load(MANIFEST.read_text())
    (command,) = manifest['contributions']['commands']
    (widget,) = manifest['contributions']['widgets']
    assert manifest['name'] == 'cupre_mm'
    assert widget['command'] == command['id']
    module, _, name = command['python_name'].partition(':')
    source = Path(importlib.util.find_spec(module).origin).read_text()
    assert f'class {name}(' in source
