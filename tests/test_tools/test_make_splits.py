import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'make_splits.py'


def _load():
    spec = importlib.util.spec_from_file_location('make_splits_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()


@pytest.fixture
def ann(tmp_path):
    path = tmp_path / 'instances.json'
    coco = {
        'images': [{'id': i, 'file_name': f'{i}.png'} for i in range(40)],
        'annotations': [
            {'id': i, 'image_id': i, 'category_id': 1} for i in range(40)
        ],
        'categories': [{'id': 1, 'name': 'cell'}],
    }
    path.write_text(json.dumps(coco))
    return path


def _names(out):
    return sorted(path.name for path in out.iterdir())


def test_the_command_writes_the_same_bytes_anywhere(ann, tmp_path):
    (tmp_path / 'one').mkdir()
    args = ['--fractions', '2.5', '50']
    run = subprocess.run(
        [sys.executable, TOOL, ann, '.', *args],
        cwd=tmp_path / 'one',
        env={'PYTHONPATH': str(ROOT), 'PYTHONHASHSEED': '7'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert 'train_2.5       1 images        1 annotations' in run.stdout
    assert tool.main([str(ann), str(tmp_path / 'two'), *args]) == 0
    names = _names(tmp_path / 'one')
    assert names == [
        'manifest.json',
        'test.json',
        'train_2.5.json',
        'train_50.json',
    ]
    for name in names:
        assert (tmp_path / 'one' / name).read_bytes() == (
            tmp_path / 'two' / name
        ).read_bytes()


def test_defaults_are_the_five_published_fractions(ann, tmp_path, capsys):
    out = tmp_path / 'out'
    assert tool.main([str(ann), str(out)]) == 0
    assert _names(out) == sorted(
        ['manifest.json', 'test.json']
        + [f'train_{part}.json' for part in (5, 10, 20, 50, 100)]
    )
    assert 'split instances.json: 40 images' in capsys.readouterr().out


def test_no_test_file_and_a_validation_file(ann, tmp_path):
    out = tmp_path / 'out'
    args = ['--fractions', '100', '--test-fraction', '0']
    assert tool.main([str(ann), str(out), *args, '--val-fraction', '0.1']) == 0
    assert _names(out) == ['manifest.json', 'train_100.json', 'val.json']
    manifest = json.loads((out / 'manifest.json').read_bytes())
    counts = {k: v['images'] for k, v in manifest['splits'].items()}
    assert counts == {'train_100': 36, 'val': 4}


def test_a_split_without_annotations_is_warned_about(ann, tmp_path, capsys):
    coco = json.loads(ann.read_text())
    coco['annotations'] = []
    ann.write_text(json.dumps(coco))
    assert tool.main([str(ann), str(tmp_path), '--fractions', '5']) == 0
    assert 'train_5 has no annotation at all' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--fractions', '0'], 'fraction 0.0 is not in (0, 100]'),
        (['--fractions', '5', '5'], 'repeat a value'),
        (['--test-fraction', '20'], 'write 0.2 for 20 %'),
        (['--val-fraction', '1'], 'val_fraction 1.0 is not in [0, 1)'),
    ],
)
def test_bad_options_leave_with_code_2(ann, tmp_path, capsys, args, message):
    assert tool.main([str(ann), str(tmp_path / 'out'), *args]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_missing_and_bad_files_leave_with_code_2(tmp_path, capsys):
    bad = tmp_path / 'bad.json'
    bad.write_text('{}')
    assert tool.main([str(tmp_path / 'no.json'), str(tmp_path)]) == 2
    assert tool.main([str(bad), str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert 'no.json does not exist. Make it with the converter' in message
    assert 'bad.json is not COCO instance json' in message
