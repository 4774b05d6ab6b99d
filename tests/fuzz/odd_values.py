"""Values that a file may hold where another is expected, and json of them.

A case starts from a valid document, some parts of which are replaced, taken
away or repeated: most of it still makes sense, so that more than the first
check is reached.
"""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

ODD_TEXTS = (
    '',
    ' ',
    '0',
    '1e400',
    'nan',
    'a.png',
    '../a.png',
    '/',
    '\\',
    '..',
    'a\0b.png',
    'zell\u00e9 \u7d30\u80de.png',
    '\ud800',
    '\u202egnp.a',
    'a\nb',
    'C:\\a.png',
    'x' * 300,
    '%s{}',
    '[a',
)
ODD_NUMBERS = (
    0,
    -1,
    1,
    2,
    3,
    -0.0,
    0.5,
    1e-320,
    1.5,
    -7.25,
    1e9,
    1e19,
    1e308,
    2**31 - 1,
    2**31,
    2**32,
    2**53 + 1,
    2**63,
    -(2**63) - 1,
    10**400,
    float('inf'),
    float('-inf'),
    float('nan'),
)
_DEEP = 40


def odd_values() -> st.SearchStrategy[Any]:
    """What json can hold and nobody expects."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(ODD_NUMBERS),
        st.sampled_from(ODD_TEXTS),
        st.integers(-(2**33), 2**33),
        st.floats(),
        st.text(max_size=4),
    )
    return st.one_of(
        scalars,
        scalars,
        st.lists(scalars, max_size=7),
        st.lists(st.lists(st.integers(-9, 99), max_size=9), max_size=3),
        st.dictionaries(st.text(max_size=3), scalars, max_size=2),
        st.integers(2, _DEEP).map(nested),
    )


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@st.composite
def mutated(
    draw: st.DrawFn,
    base: Any,
    most: int = 3,
    fixed: tuple[str, ...] = (),
    odd: st.SearchStrategy[Any] | None = None,
) -> Any:
    """A document with some of its parts changed.

    Args:
        draw: Of hypothesis.
        base: The valid document.
        most: Largest number of changes.
        fixed: Keys whose values stay as they are.
        odd: What values become. None takes :func:`odd_values`.
    """
    document = {'': deepcopy(base)}
    odd = odd_values() if odd is None else odd
    for _ in range(draw(st.integers(0, most))):
        holder: Any = document
        key: Any = ''
        # Each way down is as likely, however many numbers a polygon has.
        while draw(st.integers(0, 3)):
            value = holder[key]
            keys = _keys(value, fixed)
            if not keys:
                break
            holder, key = value, draw(st.sampled_from(keys))
        change = draw(st.sampled_from(('set', 'set', 'drop', 'twice', 'wrap')))
        if key == '' and draw(st.integers(0, 9)):
            continue
        if change == 'set' or holder is document:
            # Values of sampled_from are shared, and changed in what follows.
            holder[key] = deepcopy(draw(odd))
        elif change == 'drop':
            del holder[key]
        elif change == 'wrap':
            holder[key] = [holder[key]]
        elif isinstance(holder, list):
            holder.insert(key, deepcopy(holder[key]))
        else:
            holder[draw(st.sampled_from(ODD_TEXTS))] = holder[key]
    return document['']


def _keys(value: Any, fixed: tuple[str, ...]) -> list:
    if isinstance(value, dict):
        return [key for key in value if key not in fixed]
    return list(range(len(value))) if isinstance(value, list) else []


@st.composite
def json_files(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> bytes:
    """The bytes of json files, a few of them damaged."""
    document = draw(documents)
    as_ascii = draw(st.booleans())
    text = json.dumps(document, ensure_ascii=as_ascii)
    damage = draw(st.integers(0, 19))
    if damage == 0:
        text = text.replace('"id"', '"id":1,"id"', draw(st.integers(1, 3)))
    elif damage == 1:
        deep = draw(st.sampled_from((50, 1_000, 100_000)))
        text = text[:-1] + ',"more":' + '[' * deep + ']' * deep + '}'
    encoding = 'utf-8'
    if damage == 2:
        encoding = draw(st.sampled_from(('utf-8-sig', 'utf-16', 'utf-32')))
    data = text.encode(encoding, 'surrogatepass')
    if damage == 3:
        data = data[: draw(st.integers(0, len(data)))]
    elif damage == 4:
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(max_size=3)) + data[place + 1 :]
    elif damage == 5:
        data += draw(st.binary(min_size=1, max_size=4))
    return data
