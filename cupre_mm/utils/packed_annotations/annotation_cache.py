"""Large COCO files, parsed once and mapped from disk from then on.

A packed file (:mod:`.packed_coco`) of a json is named after the json and its
SHA-256, and lies in a folder beside it; where nobody may write there, in the
user's cache folder. It is written under another name and renamed, so that it
is whole or absent. Processes that ask for the same one at the same time take
turns: one packs, the others wait and find it.
"""

import glob
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple
from uuid import uuid4

from filelock import FileLock, Timeout
from mmengine.logging import print_log

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.packed_annotations.coco_packer import pack_coco
from cupre_mm.utils.packed_annotations.packed_coco import (
    CocoSummary,
    DamagedFileError,
    PackedAnnotations,
)

ENVIRONMENT = 'CUPRE_ANNOTATION_CACHE'
FOLDER = '.cupre_cache'
SUFFIX = '.packed'
# Smaller ones are parsed within two seconds.
SMALLEST_CACHED = 32 * 2**20
_OFF = ('off', '0', 'false', 'no')
_CHUNK = 2**20
_PART = '.part'
# Seconds without a byte written: the process that wrote is gone.
_ABANDONED = 3600


class CocoAnnotations(NamedTuple):
    """A COCO file whose annotations are read image by image.

    Attributes:
        summary (CocoSummary): Images, categories, counts and faults.
        packed (PackedAnnotations): The annotations.
    """

    summary: CocoSummary
    packed: PackedAnnotations


def open_annotations(
    path: str | Path,
    cache: bool | str | None = None,
    address: str | None = None,
) -> CocoAnnotations:
    """Open a COCO json by its cache, or parse it and make the cache.

    Args:
        path (str | Path): The json.
        cache (bool | str, optional): True makes and uses a cache, False
            keeps the packed annotations in memory, a path is the folder for
            the cache. None does as the environment variable
            ``CUPRE_ANNOTATION_CACHE`` says (``off`` or a folder), and
            without it caches files of 32 MiB and more. Defaults to None.
        address (str, optional): Where the json comes from, if ``path`` is a
            temporary copy of it. Defaults to None.

    Returns:
        CocoAnnotations: The file.

    Raises:
        BadDataError: If the json cannot be used, see
            :func:`~cupre_mm.utils.packed_annotations.coco_packer.pack_coco`.
    """
    json = _Json(Path(path), address)
    if cache is None:
        cache = os.environ.get(ENVIRONMENT) or json.size >= SMALLEST_CACHED
    if isinstance(cache, str) and cache.lower() in _OFF:
        cache = False
    if not cache:
        return _in_memory(json)
    files = [
        folder / f'{json.path.name}.{json.digest.hex()[:16]}{SUFFIX}'
        for folder in _folders(json, None if cache is True else str(cache))
    ]
    for file in files:
        found = _read(file, json)
        if found is not None:
            return found
    for file in files:
        try:
            return _make(file, json)
        except OSError as error:
            _log(
                f'annotation cache: cannot write to {file.parent} ({error})',
                logging.WARNING,
            )
    _log('annotation cache: there is none, all stays in memory')
    return _in_memory(json)


class _Json:
    """A json that is to be opened, and since when."""

    def __init__(self, path: Path, address: str | None) -> None:
        self.start = time.perf_counter()
        self.path = path
        self.is_copy = address is not None
        self.title = address or str(path)
        self._stat = path.stat()
        self.size = self._stat.st_size
        sha256 = hashlib.sha256()
        with path.open('rb') as file:
            while data := file.read(_CHUNK):
                sha256.update(data)
        self.digest = sha256.digest()

    def pack(self, out: BinaryIO) -> None:
        """Parse, check and pack it."""
        pack_coco(self.path, out, self.digest, self.title)
        now = self.path.stat()
        if (now.st_size, now.st_mtime_ns) != (
            self._stat.st_size,
            self._stat.st_mtime_ns,
        ):
            raise BadDataError(
                f'{self.title} changed while it was read: start the run again '
                'when it is complete'
            )

    @property
    def seconds(self) -> str:
        """The time since it was asked for."""
        return f'{time.perf_counter() - self.start:.1f} s'


def _folders(json: _Json, wanted: str | None) -> list[Path]:
    """Where its cache may lie, the preferred folder first."""
    home = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    # Files of one name from many places come together there.
    origin = json.title if json.is_copy else str(json.path.resolve().parent)
    place = hashlib.sha256(origin.encode()).hexdigest()[:12]
    if wanted is not None:
        return [Path(wanted) / place]
    shared = Path(home, 'cupre_mm', 'annotations', place)
    if json.is_copy:
        return [shared]
    return [json.path.parent / FOLDER, shared]


def _in_memory(json: _Json) -> CocoAnnotations:
    out = BytesIO()
    json.pack(out)
    packed = PackedAnnotations(out.getvalue(), json.digest)
    return CocoAnnotations(packed.read_summary(), packed)


def _read(
    file: Path, json: _Json, told: bool = False
) -> CocoAnnotations | None:
    """Open a packed file; None where there is no whole one."""
    try:
        packed = PackedAnnotations(file, json.digest)
        packed.verify()
        summary = packed.read_summary()
    except DamagedFileError as error:
        if not told:
            _log(f'annotation cache: {error}: made anew', logging.WARNING)
        return None
    except OSError:
        return None
    _log(
        f'annotation cache hit: {json.title} ({_mib(json.size)}) is read '
        f'from {file} ({_mib(packed.num_bytes)}), opened in {json.seconds}'
    )
    return CocoAnnotations(summary, packed)


def _make(file: Path, json: _Json) -> CocoAnnotations:
    """Pack to a file, unless another process does so first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(file):
        found = _read(file, json, told=True)
        if found is not None:
            return found
        _log(
            f'annotation cache miss: parsing {json.title} '
            f'({_mib(json.size)}), once'
        )
        _remove_remains(file)
        part = file.with_name(f'.{file.name}.{uuid4().hex}{_PART}')
        try:
            with part.open('xb') as out:
                json.pack(out)
            os.replace(part, file)
        finally:
            part.unlink(missing_ok=True)
    packed = PackedAnnotations(file, json.digest)
    others = [
        other
        for other in file.parent.glob(f'{glob.escape(json.path.name)}.*')
        if other.suffix == SUFFIX and other != file
    ]
    older = (
        f'; {len(others)} of earlier versions of the json lie beside it, with '
        f'{_mib(sum(other.stat().st_size for other in others))}, and may be '
        'deleted when no run uses them'
    )
    _log(
        f'annotation cache made: {file} takes {_mib(packed.num_bytes)} of '
        f'disk, after {json.seconds}{older if others else ""}'
    )
    return CocoAnnotations(packed.read_summary(), packed)


@contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    """Hold the lock of a file that is to be made.

    A file system without locks costs double work, no more.
    """
    lock = FileLock(file.with_name(f'.{file.name}.lock'))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log(f'annotation cache: another process makes {file}; waiting')
        lock.acquire()
    except NotImplementedError:
        pass
    try:
        yield
    finally:
        lock.release()


def _remove_remains(file: Path) -> None:
    """Remove what runs that were cut off left behind."""
    for part in file.parent.glob(f'.{glob.escape(file.name)}.*{_PART}'):
        if time.time() - part.stat().st_mtime > _ABANDONED:
            part.unlink(missing_ok=True)


def _mib(size: int) -> str:
    return f'{size / 2**20:.1f} MiB'


def _log(message: str, level: int = logging.INFO) -> None:
    print_log(message, logger='current', level=level)
