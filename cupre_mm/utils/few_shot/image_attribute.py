"""One attribute of each image: a key of the json, or a column of a csv."""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import BadDataError, MissingDataError

_NAME_COLUMN = 'file_name'
_SHOWN = 5


def read_attribute(
    source: str, images: Sequence[Mapping[str, Any]], annotation_file: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """Read an attribute that every image must have.

    Args:
        source (str): A key of the image entries or, told by its ending, a
            csv file, see :func:`read_csv`.
        images (Sequence[Mapping]): The image entries of the json.
        annotation_file (Path): The json, for the messages.

    Returns:
        tuple[dict[str, str], dict[str, str]]: The attribute as text by file
        name, and where it is from, for a manifest.

    Raises:
        MissingDataError: If there is no such csv file.
        BadDataError: If images lack the attribute, the csv file names other
            images, or a value is neither number nor text.
    """
    names = [image['file_name'] for image in images]
    if source.lower().endswith('.csv'):
        values, column, digest = read_csv(source)
        _check_known(values, names, source, annotation_file)
        origin = {
            'kind': 'csv file',
            'file': Path(source).name,
            'column': column,
            'sha256': digest,
        }
        lacking = [name for name in names if not values.get(name)]
        where, mend = source, 'add a row for each'
    else:
        values = {
            image['file_name']: _text(image, source, annotation_file)
            for image in images
        }
        origin = {'kind': 'image key', 'key': source}
        lacking = [name for name in names if not values[name]]
        where = f'image key {source!r} of {annotation_file}'
        keys = sorted({key for image in images for key in image})
        mend = (
            f'its images have the keys {", ".join(keys)}: name one of them, '
            'or a csv file with the columns file_name and attribute'
        )
    if lacking:
        raise BadDataError(
            f'{len(lacking)} of the {len(names)} images have no value in '
            f'{where}: {shortened(lacking)}; {mend}'
        )
    return {name: values[name] for name in names}, origin


def read_csv(path: str | Path) -> tuple[dict[str, str], str, str]:
    """Read a table of file names and one attribute.

    The first line names the columns: ``file_name``, with the names as they
    are in the json, and one more of any name. Comma, semicolon or tab part
    them, as spreadsheets save it; UTF-8.

    Args:
        path (str | Path): The csv file.

    Returns:
        tuple[dict[str, str], str, str]: Attribute by file name, name of its
        column, SHA-256 of the file.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it is not such a table or names an image twice.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(
            f'{path} does not exist; a name that ends in .csv stands for a '
            'file with the columns file_name and attribute'
        )
    content = path.read_bytes()
    try:
        lines = content.decode('utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise BadDataError(
            f'{path} is not UTF-8 text ({error}): save it as "CSV UTF-8"'
        ) from error
    head = lines[0] if lines else ''
    mark = next((mark for mark in ',;\t' if mark in head), ',')
    try:
        rows = [
            [cell.strip() for cell in row]
            for row in csv.reader(lines, delimiter=mark)
        ]
    except csv.Error as error:
        raise BadDataError(
            f'{path} cannot be read as csv ({error}): save it as "CSV UTF-8"'
        ) from error
    columns = rows[0] if rows else []
    if len(columns) != 2 or _NAME_COLUMN not in columns:
        raise BadDataError(
            f'{path} has the columns {columns}; it must have two, '
            f'{_NAME_COLUMN} and the attribute, named in its first line'
        )
    key = columns.index(_NAME_COLUMN)
    # Blank lines are how some editors end a file.
    table = [(n, row) for n, row in enumerate(rows[1:], 2) if any(row)]
    short = [n for n, row in table if len(row) != 2]
    if short:
        raise BadDataError(
            f'{path}: {len(short)} line(s) do not have two columns, the '
            f'first is line {short[0]}; quote values that hold a {mark!r}'
        )
    counts = Counter(row[key] for _, row in table)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise BadDataError(
            f'{path} names {len(repeated)} image(s) more than once: '
            f'{shortened(repeated)}; keep one row of each'
        )
    values = {row[key]: row[1 - key] for _, row in table}
    return values, columns[1 - key], hashlib.sha256(content).hexdigest()


def shortened(names: Sequence[str]) -> str:
    """The first few names, for a message.

    Args:
        names (Sequence[str]): All of them.

    Returns:
        str: Parted by commas, with an ellipsis where there are more.
    """
    more = ', ...' if len(names) > _SHOWN else ''
    return ', '.join(names[:_SHOWN]) + more


def _check_known(
    values: Iterable[str],
    names: Sequence[str],
    source: str,
    annotation_file: Path,
) -> None:
    known = set(names)
    unknown = [name for name in values if name not in known]
    if unknown:
        raise BadDataError(
            f'{source} names {len(unknown)} image(s) that {annotation_file} '
            f'does not have: {shortened(unknown)}; its names look like '
            f'{names[0]!r}: correct or remove these rows'
        )


def _text(image: Mapping[str, Any], key: str, annotation_file: Path) -> str:
    value = image.get(key)
    if value is None:
        return ''
    if not isinstance(value, (str, int, float)):
        raise BadDataError(
            f'{annotation_file}: {key!r} of image {image["file_name"]} is '
            f'{value!r}; strata and groups need a number or text'
        )
    return str(value).strip()
