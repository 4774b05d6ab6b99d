"""Reads a json file of any size entry by entry.

A file such as a COCO annotation file is one object that holds a few very
long lists. :func:`json.load` needs several times the file's size in memory
for it; here a window of some MiB slides over the file and the standard
library's own scanner decodes one entry after the other, so that every number
comes out as :func:`json.load` would have it.
"""

import codecs
import json
from collections.abc import Collection, Iterator
from json.decoder import WHITESPACE
from typing import Any, BinaryIO, NamedTuple

WINDOW = 4 * 2**20
# A value that the window's end cut in two fails at most this far before it,
# but for a cut string, which is told by its message.
_CUT_WITHIN = 32
_CUT_STRING = 'Unterminated string'


class JsonPart(NamedTuple):
    """Some entries of one member of the outermost object.

    Attributes:
        key (str): The member's name.
        kind (type): ``list`` or ``dict``: what the member is.
        entries (list): Entries of the list, or values of the dict, in the
            file's order. A member's first part has none.
    """

    key: str
    kind: type
    entries: list[Any]


def stream_json(
    file: BinaryIO, keys: Collection[str], window: int = WINDOW
) -> Iterator[JsonPart]:
    """Read the named members of a json object, a few MiB at a time.

    Args:
        file (BinaryIO): The open file, in UTF-8, -16 or -32; read once, from
            the front, so that it may be a member of a zip.
        keys (Collection[str]): Members to read; only lists and dicts are
            given, members of another type and name are passed over.
        window (int): Bytes read at a time. Defaults to 4 MiB.

    Yields:
        JsonPart: The members in the file's order, each as one part without
        entries followed by parts with some.

    Raises:
        ValueError: If the file is not valid json, holds NaN or infinity, or
            has one of ``keys`` twice.
    """
    scanner = _Scanner(file, window)
    try:
        if scanner.peek() != '{':
            scanner.value()
        else:
            yield from _members(scanner, keys)
        scanner.finish()
    except RecursionError as error:
        raise ValueError('it is nested too deeply') from error


def _members(scanner: '_Scanner', keys: Collection[str]) -> Iterator[JsonPart]:
    seen = set()
    for _ in scanner.items('{', '}'):
        key = scanner.key()
        kind = {'[': list, '{': dict}.get(scanner.peek())
        if key not in keys or kind is None:
            scanner.value()
            continue
        if key in seen:
            raise ValueError(f'it has {key!r} twice')
        seen.add(key)
        yield JsonPart(key, kind, [])
        entries: list[Any] = []
        windows = scanner.windows_read
        for _ in scanner.items(*('[]' if kind is list else '{}')):
            if kind is dict:
                scanner.key()
            entries.append(scanner.value())
            if scanner.windows_read != windows:
                yield JsonPart(key, kind, entries)
                entries, windows = [], scanner.windows_read
        if entries:
            yield JsonPart(key, kind, entries)


class _Scanner:
    """A place in a json text of which only a window is in memory."""

    def __init__(self, file: BinaryIO, window: int) -> None:
        self.windows_read = 0
        self._file = file
        self._window = window
        head = file.read(window)
        # json.loads finds the encoding of bytes in the same way.
        decoder = codecs.getincrementaldecoder(json.detect_encoding(head))
        self._decoder = decoder('surrogatepass')
        self._text = self._decoder.decode(head)
        self._start = 0
        self._position = 0
        self._at_end = False
        self._decode = json.JSONDecoder(parse_constant=_refuse).raw_decode

    def peek(self) -> str:
        """The next character that is not white space; '' at the end."""
        while True:
            end = WHITESPACE.match(self._text, self._position).end()
            self._position = end
            if end < len(self._text):
                return self._text[end]
            if not self._read_on():
                return ''

    def value(self) -> Any:
        """Decode the value that comes next."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._position)
            except json.JSONDecodeError as error:
                edge = len(self._text) - _CUT_WITHIN
                cut = error.pos >= edge or _CUT_STRING in error.msg
                if cut and self._read_on():
                    continue
                raise self._error(error.msg, error.pos) from error
            # A number may go on beyond the window.
            if end == len(self._text) and self._read_on():
                continue
            self._position = end
            return value

    def key(self) -> str:
        """Decode the key that comes next, and pass its colon."""
        if self.peek() != '"':
            raise self._error(
                'Expecting property name enclosed in double quotes'
            )
        key = self.value()
        if self.peek() != ':':
            raise self._error("Expecting ':' delimiter")
        self._position += 1
        return key

    def items(self, opening: str, closing: str) -> Iterator[None]:
        """Stop at each item of the list or object that comes next."""
        assert self.peek() == opening
        self._position += 1
        if self.peek() == closing:
            self._position += 1
            return
        while True:
            yield
            mark = self.peek()
            if mark not in (',', closing):
                raise self._error("Expecting ',' delimiter")
            self._position += 1
            if mark == closing:
                return

    def finish(self) -> None:
        """Refuse anything after the value."""
        if self.peek():
            raise self._error('Extra data')

    def _read_on(self) -> bool:
        """Drop what was read and append the next window."""
        if self._at_end:
            return False
        data = self._file.read(self._window)
        self._at_end = not data
        more = self._decoder.decode(data, final=self._at_end)
        self._start += self._position
        self._text = self._text[self._position :] + more
        self._position = 0
        self.windows_read += 1
        return True

    def _error(self, message: str, position: int | None = None) -> ValueError:
        if position is None:
            position = self._position
        return ValueError(f'{message}: character {self._start + position}')


def _refuse(name: str) -> None:
    raise ValueError(f'{name} is not a json number')
