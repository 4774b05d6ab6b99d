import hashlib

from cupre_mm.evaluation.report_origin import sha256_of, stack_versions


def test_checksum_of_a_file_of_several_blocks(tmp_path):
    content = b'0123456789abcdef' * 200_000
    (tmp_path / 'a').write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert sha256_of(tmp_path / 'a') == digest


def test_file_that_is_not_there_has_none(tmp_path):
    assert sha256_of(tmp_path / 'absent') == ''


def test_versions_name_the_whole_stack():
    versions = stack_versions()
    assert {'python', 'cupre_mm', 'torch', 'numpy'} <= set(versions)
    assert 'not installed' not in versions['torch']
