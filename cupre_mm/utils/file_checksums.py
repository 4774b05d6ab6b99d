"""Checksums of files."""

import hashlib
from pathlib import Path

_BLOCK = 1 << 20


def sha256_of(path: str | Path) -> str | None:
    """Compute the SHA-256 checksum of a file.

    Args:
        path (str or Path): The file.

    Returns:
        str, optional: The checksum in hexadecimal digits; None if there is
        no such file on this machine.
    """
    path = Path(path)
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
