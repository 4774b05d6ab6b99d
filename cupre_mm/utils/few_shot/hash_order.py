"""Shuffling by hash: the same on every machine, in every version.

No random number generator is asked, so none can change under a published
split; and a name's place does not depend on where it stands in a file.
"""

import hashlib
from collections.abc import Iterable

# As many hex digits as a float holds exactly.
_HEX_DIGITS = 13


def hash_key(name: str, seed: int | str) -> str:
    """The key that names are ordered by.

    Args:
        name (str): File name of an image, or name of a group.
        seed (int | str): Chooses the order.

    Returns:
        str: SHA-256 of ``'<seed>:<name>'`` in hex.
    """
    # A json may hold half a surrogate pair, which plain UTF-8 refuses.
    text = f'{seed}:{name}'.encode('utf-8', 'surrogatepass')
    return hashlib.sha256(text).hexdigest()


def hash_fraction(name: str, seed: int | str) -> float:
    """A number as good as drawn by chance.

    Args:
        name (str): What it is for.
        seed (int | str): Chooses the number.

    Returns:
        float: In [0, 1).
    """
    return int(hash_key(name, seed)[:_HEX_DIGITS], 16) / 16**_HEX_DIGITS


def image_order(file_names: Iterable[str], seed: int | str) -> list[str]:
    """Shuffle names.

    Args:
        file_names (Iterable[str]): Unique names as in the annotation file.
        seed (int | str): Chooses the order.

    Returns:
        list[str]: The names by ascending :func:`hash_key`.
    """
    return sorted(file_names, key=lambda name: hash_key(name, seed))
