"""Names of the images that are written: stable, and never the same twice."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable


def output_stems(names: Iterable[str]) -> dict[str, str]:
    """Name the images of each file, but for what tells them apart.

    A name keeps the file's extension (``a.tif`` becomes ``a.tif.png`` or
    ``a.tif_z003.png``), so that ``a.tif`` and ``a.png`` do not meet and the
    name does not depend on which other files there are. Names that differ
    in case or Unicode form alone would meet on many file systems: they get
    a hash of the exact name.

    Args:
        names (Iterable[str]): Paths within one source, each once.

    Returns:
        dict[str, str]: Stem by name; a suffix that begins with an underscore
        and has no dot, and ``.png``, are to be added.
    """
    names = list(names)
    folded = Counter(map(_folded, names))
    return {
        name: name if folded[_folded(name)] == 1 else f'{name}~{_hash(name)}'
        for name in names
    }


def _folded(name: str) -> str:
    return unicodedata.normalize('NFC', name).casefold()


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[
        :8
    ]
