"""Versions of the software that a result was computed with."""

from cupre_mm.utils.software_versions import stack_versions


def test_versions_name_the_whole_stack():
    versions = stack_versions()
    assert {'python', 'cupre_mm', 'torch', 'numpy'} <= set(versions)
    assert 'not installed' not in versions['torch']
