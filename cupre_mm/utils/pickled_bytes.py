"""Bytes as pickles of protocol 2 hold them, mmengine's and torch's."""

from cupre_mm.utils.errors import BadDataError


def bytes_of_text(text: str, encoding: str) -> bytes:
    """Stand for ``_codecs.encode``, which could run any registered codec.

    Args:
        text (str): A character a byte.
        encoding (str): ``'latin1'``.

    Returns:
        bytes: The bytes.

    Raises:
        BadDataError: If another codec is asked for.
    """
    if encoding != 'latin1':
        raise BadDataError(f'it would run the codec {encoding!r}')
    return text.encode('latin1')
