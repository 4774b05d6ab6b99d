"""What make_splits.py reads: annotation files, csv files and its options."""

import shutil
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.odd_values import ODD_TEXTS, json_files, mutated
from tests.fuzz.targets import Target, from_json, run_tool, to_json
from tools.dataset_converters import make_splits

_NAMES = [f'{n}.png' for n in range(6)]


def _document() -> dict[str, Any]:
    return {
        'images': [
            dict(
                id=n,
                file_name=name,
                height=9,
                width=9,
                cell_type='AB'[n % 2],
                scene=n // 2,
            )
            for n, name in enumerate(_NAMES)
        ],
        'annotations': [
            dict(
                id=n,
                image_id=n % 6,
                category_id=1,
                bbox=[1, 1, 3, 3],
                area=9,
                segmentation=[[1, 1, 4, 1, 4, 4]],
            )
            for n in range(9)
        ],
        'categories': [dict(id=1, name='cell')],
    }


def _numbers() -> st.SearchStrategy[str]:
    odd = ('0', '-1', '1e-9', '1e400', 'nan', 'inf', '99999999999999999999')
    return st.one_of(
        st.sampled_from(odd),
        st.integers(0, 9).map(str),
        st.floats(0, 100).map(str),
    )


def _sources() -> st.SearchStrategy[str]:
    return st.sampled_from(
        ('cell_type', 'scene', 'auto', 'table.csv', 'no.csv', *ODD_TEXTS)
    )


@st.composite
def _options(draw: st.DrawFn) -> list[str]:
    numbers = st.lists(_numbers(), min_size=1, max_size=3)
    given: list[str] = []
    for flag, values in (
        ('--fractions', numbers),
        ('--shots', numbers),
        ('--shots-per-stratum', numbers),
        ('--seeds', numbers),
        ('--test-fraction', _numbers().map(lambda v: [v])),
        ('--val-fraction', _numbers().map(lambda v: [v])),
        ('--test-seed', _numbers().map(lambda v: [v])),
        ('--stratify', _sources().map(lambda v: [v])),
        ('--group', _sources().map(lambda v: [v])),
        ('--balance', st.just(['instances'])),
    ):
        if draw(st.integers(0, 3)) == 0:
            given += [flag, *draw(values)]
    return given


@st.composite
def _cases(draw: st.DrawFn) -> dict[str, Any]:
    document = draw(st.one_of(st.just(_document()), mutated(_document())))
    return {
        'annotations': document,
        'table': draw(_tables()),
        'options': draw(_options()),
    }


@st.composite
def _tables(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(',;\t|'))
    rows = [['file_name', 'scene']] + [[name, 's1'] for name in _NAMES]
    rows = draw(mutated(rows, odd=st.one_of(st.text(max_size=4), st.just([]))))
    if not isinstance(rows, list):
        return str(rows)
    return '\n'.join(
        mark.join(map(str, row)) if isinstance(row, list) else str(row)
        for row in rows
    )


def _split(case: dict[str, Any], folder: Path) -> None:
    root = folder / 'split'
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / 'all.json').write_bytes(to_json(case['annotations']))
    text = case['table'].encode('utf-8', 'surrogatepass')
    (root / 'table.csv').write_bytes(text)
    options = [
        str(root / o) if o.endswith('.csv') else o for o in case['options']
    ]
    # A command line cannot hold these.
    options = [o.replace('\0', '') for o in options]
    run_tool(
        make_splits.main, [str(root / 'all.json'), str(root / 'out'), *options]
    )


def _split_files(data: bytes, folder: Path) -> None:
    root = folder / 'split_files'
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / 'all.json').write_bytes(data)
    (root / 'out').mkdir()
    run_tool(make_splits.main, [str(root / 'all.json'), str(root / 'out')])


def _tabulate(data: bytes, folder: Path) -> None:
    from cupre_mm.utils.few_shot.image_attribute import read_attribute

    path = folder / 'table.csv'
    path.write_bytes(data)
    images = [{'file_name': name} for name in _NAMES]
    read_attribute(str(path), images, folder / 'all.json')


@st.composite
def _table_files(draw: st.DrawFn) -> bytes:
    data = draw(_tables()).encode('utf-8', 'surrogatepass')
    place = draw(st.integers(0, len(data)))
    change = draw(st.sampled_from(('none', 'cut', 'insert', 'mark')))
    if change == 'cut':
        return data[:place]
    if change == 'insert':
        return data[:place] + draw(st.binary(max_size=3)) + data[place:]
    return b'\xef\xbb\xbf' + data if change == 'mark' else data


TARGETS = (
    Target(
        'split_options',
        '.json',
        _cases().map(to_json),
        lambda data, folder: _split(from_json(data), folder),
    ),
    Target(
        'split_files',
        '.json',
        json_files(mutated(_document())),
        _split_files,
    ),
    Target('split_table', '.csv', _table_files(), _tabulate),
)
