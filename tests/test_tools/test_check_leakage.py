"""The leak check's command line: exit codes and what it writes."""

import json
import shutil

import pytest
from PIL import Image

from tests.blob_images import blob_image
from tools.analysis import check_leakage as tool


@pytest.fixture
def sets(tmp_path):
    """A corpus of five images and an evaluation set of three others."""
    for folder, seeds in (('corpus', range(5)), ('test', range(10, 13))):
        (tmp_path / folder).mkdir()
        for seed in seeds:
            path = tmp_path / folder / f'{seed}.png'
            Image.fromarray(blob_image(seed)).save(path)
    return tmp_path


def _run(sets, *options, workers='1'):
    return tool.main(
        [
            *('--corpus', str(sets / 'corpus')),
            *('--evaluation', str(sets / 'test')),
            *('--workers', workers),
            *map(str, options),
        ]
    )


def test_no_pair_exits_with_0(sets, capsys):
    assert _run(sets, '--crops', workers='2') == 0
    out = capsys.readouterr().out
    assert 'corpus: 5 images' in out
    assert 'evaluation: 3 images' in out
    assert '0 pairs (0 exact, 0 perceptual, 0 crops)' in out


def test_pairs_exit_with_1_and_are_printed_and_written(sets, capsys):
    shutil.copy(sets / 'corpus/1.png', sets / 'test/exact.png')
    Image.fromarray(blob_image(2)).save(sets / 'test/near.jpg')
    Image.fromarray(blob_image(3)[20:180, 40:220]).save(sets / 'test/cut.png')
    out, clean = sets / 'report.json', sets / 'clean.txt'
    code = _run(
        sets,
        *('--crops', '--out', out, '--clean-list', clean),
        *('--pictures', sets / 'pictures'),
    )
    assert code == 1
    report = json.loads(out.read_text())
    found = {
        (pair['kind'], pair['corpus'], pair['evaluation'])
        for pair in report['pairs']
    }
    expected = {
        ('exact', 'corpus/1.png', 'test/exact.png'),
        ('perceptual', 'corpus/2.png', 'test/near.jpg'),
        ('crop', 'corpus/3.png', 'test/cut.png'),
    }
    assert found == {
        (kind, f'{sets}/{ours}', f'{sets}/{theirs}')
        for kind, ours, theirs in expected
    }
    assert report['summary'] == {
        'corpus_images': 5,
        'evaluation_images': 6,
        'unreadable': 0,
        'pairs': 3,
        'exact': 1,
        'perceptual': 1,
        'crop': 1,
        'corpus_images_in_pairs': 3,
        'evaluation_images_in_pairs': 3,
    }
    text = capsys.readouterr().out
    for _, corpus, evaluation in found:
        assert corpus in text
        assert evaluation in text
    assert '3 of 5 corpus images show what 3 of 6 evaluation images' in text
    assert clean.read_text().split() == [
        str(sets / 'corpus/0.png'),
        str(sets / 'corpus/4.png'),
    ]
    assert [p.name for p in (sets / 'pictures').iterdir()] == ['pairs_01.png']


def test_cut_is_no_pair_without_crops(sets):
    Image.fromarray(blob_image(3)[20:180, 40:220]).save(sets / 'test/cut.png')
    assert _run(sets) == 0


def test_unreadable_file_is_listed_and_exits_with_2(sets, capsys):
    (sets / 'test/bad.png').write_bytes(b'\x89PNG\r\n\x1a\n')
    with pytest.raises(SystemExit) as caught:
        _run(sets)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert f'unreadable: {sets}/test/bad.png' in said.out
    assert 'pass --allow-bad' in said.err
    out = sets / 'report.json'
    shutil.copy(sets / 'test/bad.png', sets / 'corpus/bad.png')
    clean = sets / 'clean.txt'
    options = ('--allow-bad', '--out', out, '--clean-list', clean)
    assert _run(sets, *options) == 0
    assert set(json.loads(out.read_text())['unreadable']) == {
        str(sets / 'test/bad.png'),
        str(sets / 'corpus/bad.png'),
    }
    names = [line.rpartition('/')[2] for line in clean.read_text().split()]
    assert names == [f'{seed}.png' for seed in range(5)]


def test_pair_beside_an_unreadable_file_exits_with_1(sets):
    (sets / 'test/bad.png').write_bytes(b'no image')
    shutil.copy(sets / 'corpus/0.png', sets / 'test/0.png')
    assert _run(sets) == 1


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--max-distance', '128'], 'give 0 to 127'),
        (['--min-correlation', '0'], 'above 0, at most 1'),
        (['--workers', '0'], 'workers must be 1 or more'),
        (['--corpus', 'gone'], 'no such file or folder'),
    ],
)
def test_bad_arguments_are_one_line(sets, capsys, options, message):
    with pytest.raises(SystemExit) as caught:
        _run(sets, *options)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_second_run_reads_from_the_cache(sets, monkeypatch):
    cache = sets / 'cache.jsonl'
    assert _run(sets, '--cache', cache) == 0
    monkeypatch.setattr(
        'cupre_mm.utils.leakage.image_fingerprints.read_image',
        lambda path: pytest.fail(f'{path} was read again'),
    )
    assert _run(sets, '--cache', cache) == 0
