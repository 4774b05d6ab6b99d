"""Archives that try to do harm, as real files."""

import io
import struct
import tarfile
import zipfile
from pathlib import Path

KIND = {
    'link': tarfile.SYMTYPE,
    'hard link': tarfile.LNKTYPE,
    'device': tarfile.CHRTYPE,
    'pipe': tarfile.FIFOTYPE,
}


def write_bomb(path: Path, size: int, method: int = zipfile.ZIP_DEFLATED):
    """A zip with one entry of zeros, packed about 1000 to 1."""
    with (
        zipfile.ZipFile(path, 'w', method) as archive,
        archive.open('zeros.bin', 'w') as entry,
    ):
        for _ in range(size >> 20):
            entry.write(bytes(1 << 20))
    return path


def write_overlapping(path: Path, copies: int = 50) -> Path:
    """A zip whose directory names the same bytes many times."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('x0000.txt', b'x' * 10_000)
    content = path.read_bytes()
    start = content.index(b'PK\1\2')
    end = content.index(b'PK\5\6')
    entry = content[start:end]
    directory = b''.join(
        entry.replace(b'x0000', b'x%04d' % number) for number in range(copies)
    )
    tail = struct.pack(
        '<4s4H2LH',
        b'PK\5\6',
        0,
        0,
        copies,
        copies,
        len(directory),
        start,
        0,
    )
    path.write_bytes(content[:start] + directory + tail)
    return path


def state_other_size(path: Path, size: int) -> Path:
    """Change the unpacked size in both headers of a zip of one entry."""
    content = bytearray(path.read_bytes())
    struct.pack_into('<L', content, content.index(b'PK\3\4') + 22, size)
    struct.pack_into('<L', content, content.index(b'PK\1\2') + 24, size)
    path.write_bytes(content)
    return path


def write_tar(path: Path, entries: dict, mode: str = 'w') -> Path:
    """A tar of files (bytes) and of links and devices (kind, target)."""
    with tarfile.open(path, mode) as archive:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            else:
                kind, entry.linkname = content
                entry.type = KIND[kind]
                archive.addfile(entry)
    return path
