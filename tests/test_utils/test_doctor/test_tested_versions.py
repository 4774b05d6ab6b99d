import re

from cupre_mm.utils.doctor.tested_versions import (
    PYTHONS,
    TESTED,
    TORCH_LOWEST,
    differences,
)
from tests.checkout import ROOT


def test_versions_are_those_of_the_constraints():
    pins = dict(
        re.findall(
            r'^([\w.-]+)==([^\s;]+)',
            (ROOT / 'constraints.txt').read_text(),
            flags=re.MULTILINE,
        )
    )
    assert {name: pins[name] for name in TESTED} == TESTED


def test_bounds_are_those_of_the_requirements():
    assert (
        f'torch>={TORCH_LOWEST}\n' in (ROOT / 'requirements.txt').read_text()
    )
    (low, first), (high, last) = PYTHONS
    bounds = f"requires-python = '>={low}.{first},<{high}.{last + 1}'"
    assert bounds in (ROOT / 'pyproject.toml').read_text()


def test_local_labels_are_no_difference():
    assert differences({'torch': '2.11.0+cpu', 'numpy': '2.2.6'}) == []
    assert differences({'numpy': '1.26.4', 'pytest': '1'}) == [
        'numpy 1.26.4 (tested: 2.2.6)'
    ]
