"""Reads the lists of COCO annotation files of any size, by ijson.

:func:`json.load` needs several times a file's size in memory; here it is one
entry at a time. Every list takes a pass of its own over the file, as ijson
gives one at a time; only the one that holds the annotations has to be read to
its end.

ijson is fast where it has its C part, as its wheels do. Without it, and where
the locale has a decimal comma, by which the C part would read 1.5 as 1, its
pure Python part gives the same some fifteen times slower, with a warning.
"""

import codecs
import json
import locale
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import ijson

from cupre_mm.utils.coco_checks import no_coco_list, not_json
from cupre_mm.utils.json_depth import DepthLimit

OpenFile = Callable[[], AbstractContextManager[BinaryIO]]

# Larger ones are slower: what comes of one at a time leaves the CPU's cache.
_BYTES_AT_A_TIME = 2**18
_OPTIONS = dict(use_float=True, buf_size=_BYTES_AT_A_TIME)
_PURE_PYTHON = 'python'


def read_list(open_file: OpenFile, key: str, name: str | Path) -> list:
    """Read a short list, such as the images, as a whole.

    What comes after the list in the file is not looked at.

    Args:
        open_file (Callable): Opens the file anew at each call: json in
            UTF-8, -16 or -32, with or without a byte order mark.
        key (str): Which member of the outermost object.
        name (str | Path): The file, for the messages.

    Returns:
        list: The entries, equal to those of :func:`json.load`.

    Raises:
        BadDataError: If the file is not json until there, or has no such
            list.
    """
    with _parsing(open_file, name) as (parser, file):
        found = next(parser.items(file, key, **_OPTIONS), None)
    if not isinstance(found, list):
        raise no_coco_list(name, key)
    return found


def read_entries(
    open_file: OpenFile, key: str, name: str | Path
) -> Iterator[Any]:
    """Give the entries of a long list, such as the annotations, one by one.

    A mapping in its place, as the annotations of LIVECell's files of one
    cell type are, is read as the list of its values. The file is read to its
    end.

    Args:
        open_file (Callable): See :func:`read_list`.
        key (str): See :func:`read_list`.
        name (str | Path): The file, for the messages.

    Yields:
        Any: The entries in the order of the file, equal to those of
        :func:`json.load`.

    Raises:
        BadDataError: If the file is not json, which may show after some
            entries, or has no such list.
    """
    with _parsing(open_file, name) as (parser, file):
        start = next(
            (
                event
                for prefix, event, _ in parser.parse(file, **_OPTIONS)
                if prefix == key
            ),
            None,
        )
    if start not in ('start_array', 'start_map'):
        raise no_coco_list(name, key)
    with _parsing(open_file, name) as (parser, file):
        if start == 'start_array':
            yield from parser.items(file, f'{key}.item', **_OPTIONS)
        else:
            for _, entry in parser.kvitems(file, key, **_OPTIONS):
                yield entry


@contextmanager
def _parsing(
    open_file: OpenFile, name: str | Path
) -> Iterator[tuple[ModuleType, BinaryIO]]:
    """A parser and the open file; tells what is no json."""
    with open_file() as file:
        encoding = json.detect_encoding(file.read(4))
    with open_file() as file:
        if encoding != 'utf-8':
            file = _to_utf8(file, encoding)
        try:
            yield _parser(), DepthLimit(file)
        # ValueError: what is no text in the encoding or nested too deep, in
        # pure Python also what is no json.
        except (ijson.JSONError, ValueError) as error:
            raise not_json(name, _in_one_line(error)) from error


def _to_utf8(file: BinaryIO, encoding: str) -> BinaryIO:
    data = iter(partial(file.read, _BYTES_AT_A_TIME), b'')
    text = codecs.iterdecode(data, encoding)
    return ijson.from_iter(codecs.iterencode(text, 'utf-8'))


def _parser() -> ModuleType:
    parser, reason = ijson, 'has no C part here: install it from a wheel'
    if locale.localeconv()['decimal_point'] != '.':
        parser = ijson.get_backend(_PURE_PYTHON)
        reason = 'cannot use its C part with a decimal comma: set LC_NUMERIC=C'
    if parser.backend_name == _PURE_PYTHON:
        warnings.warn(f'json is read slowly, as ijson {reason}', stacklevel=2)
    return parser


def _in_one_line(error: Exception) -> str:
    """The parser's message, of several lines with the place marked below."""
    text = str(error)
    if error.args and isinstance(error.args[0], bytes):
        text = error.args[0].decode(errors='replace')
    reason, *place = text.splitlines() or [type(error).__name__]
    near = place[0].strip() if place else ''
    return f'{reason} near {near}' if near else reason
