import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


def test_several_seeds_share_the_test_part(ann, tmp_path, capsys):
    out = tmp_path / 'out'
    args = ['--seeds', '0', '1', '--fractions', '--shots', '3', '10']
    assert tool.main([str(ann), str(out), *args]) == 0
    assert _names(out) == ['seed0', 'seed1']
    for name in ('seed0', 'seed1'):
        assert _names(out / name) == sorted(
            ['manifest.json', 'test.json']
            + [f'train_{shots}shots.json' for shots in (3, 10)]
        )
    shown = capsys.readouterr().out
    for name in ('seed0', 'seed1'):
        assert f'manifest.json to {out / name}' in shown
    files = [out / f'seed{seed}/test.json' for seed in (0, 1)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_strata_are_shown_by_split(ann, tmp_path, capsys):
    coco = json.loads(ann.read_text())
    for image in coco['images']:
        image['stain'] = 'HE' if image['id'] < 30 else 'DAPI'
    coco['images'][0]['stain'] = 'odd'
    ann.write_text(json.dumps(coco))
    args = ['--fractions', '50', '--stratify', 'stain', '--balance']
    args += ['instances', '--shots-per-stratum', '1', '--test-seed', '3']
    assert tool.main([str(ann), str(tmp_path / 'out'), *args]) == 0
    captured = capsys.readouterr()
    rows = [line.split() for line in captured.out.splitlines()]
    names = ['all', 'train_50', 'train_1shots_per_stratum', 'test']
    assert ['images', 'of', *names] in rows
    assert ['DAPI', '10', '4', '1', '2'] in rows
    assert ['odd', '1', '0', '1', '0'] in rows
    assert '16 images       16 annotations  (50.00 and 50.00 %)' in (
        captured.out
    )
    assert captured.err.count("none in the test part: 'odd' (1 image)") == 1
    assert 'strata.csv' in _names(tmp_path / 'out')


def test_strata_by_appearance_and_groups_of_a_csv_file(ann, tmp_path, capsys):
    (tmp_path / 'images').mkdir()
    for i in range(40):
        pixels = np.full((16 + 16 * (i % 2), 16), i, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f'images/{i}.png')
    scenes = tmp_path / 'scenes.csv'
    rows = [f'{i}.png,scene{i // 5}\n' for i in range(40)]
    scenes.write_text('file_name,scene\n' + ''.join(rows))
    args = [str(ann), str(tmp_path / 'out'), '--stratify', 'auto']
    args += ['--group', str(scenes)]
    assert tool.main(args) == 2
    assert 'name their folder with --images' in capsys.readouterr().err
    assert tool.main([*args, '--images', str(tmp_path / 'images')]) == 0
    shown = capsys.readouterr().out
    assert '16px dark gray 1/1' in shown
    # Two scenes of five images are the 20 % of the test part.
    assert re.search(r'test +10 images .*, 2 groups\)', shown)


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
        (['--shots', '33'], '33 shots are asked for, but the training part'),
        (['--shots-per-stratum', '1'], 'needs strata'),
        (['--stratify', 'stain'], '40 of the 40 images have no value in'),
        (['--group', 'no.csv'], 'no.csv does not exist'),
        (['--seeds', '1', '1'], 'repeat one'),
    ],
)
def test_bad_options_leave_with_code_2(ann, tmp_path, capsys, args, message):
    assert tool.main([str(ann), str(tmp_path / 'out'), *args]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--seed', '1', '--seeds', '2'], 'not allowed with'),
        (['--images', 'folder'], '--images is read for --stratify auto'),
    ],
)
def test_options_that_exclude_each_other(ann, capsys, args, message):
    with pytest.raises(SystemExit, match='2'):
        tool.main([str(ann), 'out', *args])
    assert message in capsys.readouterr().err


def test_the_tool_starts_without_the_training_libraries():
    code = (
        'import runpy, sys; sys.argv = ["make_splits.py", "--help"]\n'
        f'try: runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
        'except SystemExit as done: assert not done.code\n'
        'assert not {"torch", "mmengine", "mmdet"} & set(sys.modules)'
    )
    subprocess.run(
        [sys.executable, '-c', code],
        env={'PYTHONPATH': str(ROOT)},
        capture_output=True,
        check=True,
    )


def test_missing_and_bad_files_leave_with_code_2(tmp_path, capsys):
    bad = tmp_path / 'bad.json'
    bad.write_text('{}')
    assert tool.main([str(tmp_path / 'no.json'), str(tmp_path)]) == 2
    assert tool.main([str(bad), str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert 'no.json does not exist. Make it with the converter' in message
    assert 'bad.json is not COCO instance json' in message
