"""Parses json that somebody else wrote."""

import json
from pathlib import Path
from typing import Any

from cupre_mm.utils.coco_checks import not_json


def parse_json(data: bytes | str, path: str | Path) -> Any:
    """Parse a file's content, as the standard defines json.

    Args:
        data (bytes | str): The content; bytes in UTF-8, -16 or -32.
        path (str | Path): The file, for the message.

    Returns:
        Any: What it holds.

    Raises:
        BadDataError: If it is no json, holds NaN or infinity, or is nested
            deeper than Python's recursion limit.
    """
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    # What is no text in the encoding is a ValueError, too.
    except (ValueError, RecursionError) as error:
        raise not_json(path, error) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} is not a json number')
