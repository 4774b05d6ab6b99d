import json
from collections import Counter
from pathlib import Path

import pytest

from cupre_mm.apis.folder_inputs import FolderInputs, find_inputs
from cupre_mm.apis.folder_run import FolderResult
from cupre_mm.apis.folder_summary import (
    remove_summary,
    summarise,
    warnings_of,
    write_summary,
)
from tests.stub_segmenter import run, settings

NO_INPUTS = FolderInputs([], Path())


def record(name: str, **changes) -> dict:
    made = {
        'name': name,
        'file': name,
        'suffix': '',
        'shape': [24, 32],
        'cells': 3,
        'factor': 1.0,
        'tiles': 1,
        'counts': {},
        'notes': [],
        'outputs': {'label': {'path': f'label/{name}'}},
    }
    return {**made, **changes}


@pytest.mark.parametrize('outputs', [('label',), ('label', 'overlay')])
def test_a_real_run_as_json_page_and_picture(folder, out, outputs):
    (folder / 'text.tif').write_text('no image')
    given = settings(outputs=outputs)
    result, _ = run(folder, out, given)
    summary = summarise(find_inputs([str(folder)], out), given, result)
    files = write_summary(out, summary)
    names = ['run_summary.json', 'run_summary.md', 'montage.png']
    wanted = names if 'overlay' in outputs else names[:2]
    assert [file.name for file in files] == wanted
    assert all(file.is_file() for file in files)
    read = json.loads(files[0].read_text())
    assert (read['files'], read['images'], read['cells']) == (4, 3, 9)
    assert read['counts'] == {'below_score_thr': 9}
    assert list(read['failures']) == ['text.tif']
    assert {'cupre_mm', 'python', 'torch', 'numpy'} <= set(read['versions'])
    assert read['settings']['outputs'] == list(outputs)
    assert read['settings']['compress'] is False
    assert read['results'][2]['outputs']['label'] == 'label/sub/c.tif'
    page = files[1].read_text()
    assert '4 files, 3 images segmented, 9 cells, 1 failures.' in page
    assert '| sub/c.tif | 32 x 24 | 3 | 1 | below_score_thr 3 |' in page
    assert str(folder / 'text.tif') in page
    remove_summary(out)
    assert not any(file.exists() for file in files)


def test_it_is_the_same_in_one_run_and_in_two(folder, out):
    inputs = find_inputs([str(folder)], out)
    summaries = [
        summarise(inputs, settings(), run(folder, out)[0]) for _ in range(2)
    ]
    assert [one.pop('this_run')['images'] for one in summaries] == [3, 0]
    assert summaries[0] == summaries[1]


@pytest.mark.parametrize(
    ('records', 'expected'),
    [
        ([record('a', cells=0), record('b')], 'No cell was found in 1 images'),
        ([record('a', notes=['is odd'])], 'a: is odd'),
        (
            [
                record('a', counts={'cut_by_tiles': 2}),
                record('b', counts={'cut_by_tiles': 3}),
            ],
            '5 cells lie in no tile whole',
        ),
        (
            [record('a', counts={'tiles_at_limit': 1})],
            'max_per_img (1 images, most in a)',
        ),
        ([record('a', cells=65_536)], '32-bit TIFFs'),
    ],
)
def test_what_a_user_should_look_at(records, expected):
    (text,) = warnings_of(NO_INPUTS, FolderResult(records=records))
    assert expected in text


def test_nothing_to_look_at():
    records = [record('a', cells=65_535)]
    crowd = record('b', cells=65_536, outputs={'csv': {'path': 'csv/b'}})
    result = FolderResult(records=[*records, crowd])
    assert not list(warnings_of(NO_INPUTS, result))


def test_edited_results_and_files_not_taken_are_told(tmp_path):
    inputs = FolderInputs([], Path(), passed_over=Counter({'.czi': 2}))
    result = FolderResult(changed=[tmp_path / 'a.tif.changed1'])
    texts = list(warnings_of(inputs, result))
    assert 'a.tif.changed1' in texts[0]
    assert '2 .czi' in texts[1]


def test_names_do_not_break_the_table(out):
    given = settings()
    records = [record('a|b.tif')]
    summary = summarise(NO_INPUTS, given, FolderResult(records=records))
    _, page = write_summary(out, summary)
    assert '| a\\|b.tif |' in page.read_text()
