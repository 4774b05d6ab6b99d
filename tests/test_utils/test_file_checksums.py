"""Checksums of files."""

import hashlib

from cupre_mm.utils.file_checksums import sha256_of


def test_checksum_of_a_file_of_several_blocks(tmp_path):
    content = b'0123456789abcdef' * 200_000
    (tmp_path / 'a').write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert sha256_of(tmp_path / 'a') == digest


def test_file_that_is_not_there_has_none(tmp_path):
    assert sha256_of(tmp_path / 'absent') is None
