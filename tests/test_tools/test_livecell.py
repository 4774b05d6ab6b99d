import importlib.util
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from cupre_mm.utils.livecell import conversion
from tests.livecell_set import LivecellSet, change_json, write_livecell_set

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'livecell.py'


def _load():
    spec = importlib.util.spec_from_file_location('livecell_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()


@pytest.fixture
def source(tmp_path: Path) -> LivecellSet:
    return write_livecell_set(tmp_path / 'src', per_type=3)


def _run(*args: object) -> int:
    return tool.main([*map(str, args), '--workers', '1'])


def test_says_what_was_written_and_that_it_is_there(source, tmp_path, capsys):
    args = [source.root, tmp_path / 'livecell']
    assert _run(*args) == 0
    printed = capsys.readouterr().out
    assert 'train: 24 images, 72 cells in annotations/livecell_coco_train' in (
        printed
    )
    assert '      BV2      3 images        9 cells' in printed
    assert 'train_5: 1 images, 4 cells (5.56 % of the cells), 2_train5p' in (
        printed
    )
    assert 'train_20: 5 images' in printed
    assert 'of the cells), drawn with seed 0' in printed
    assert '72 cells (100.0 % of the cells), the whole training part' in (
        printed
    )
    assert 'images: 40 hard-linked' in printed
    assert 'livecell_train.txt, for unlabelled pre-training' in printed
    assert _run(*args) == 0
    assert 'is complete (all of it was there already)' in (
        capsys.readouterr().out
    )


def test_downloads_as_they_come_in_one_folder(source, tmp_path, capsys):
    # images.zip not unpacked, the json files beside it.
    downloads = tmp_path / 'downloads'
    downloads.mkdir()
    with zipfile.ZipFile(downloads / 'images.zip', 'w') as archive:
        for path in (source.root / 'images').rglob('*.tif'):
            archive.write(path, path.relative_to(source.root))
    for path in (source.root / 'annotations').rglob('*.json'):
        shutil.copy(path, downloads / path.name)
    (downloads / 'notes.txt').write_text('')
    assert _run(downloads, tmp_path / 'livecell') == 0
    printed = capsys.readouterr().out
    assert 'images: 40 unpacked' in printed
    assert '1 files that are not of LIVECell, ignored: ' in printed
    assert len(list((tmp_path / 'livecell' / 'images').iterdir())) == 40


def test_odd_images_and_cells_are_named(source, tmp_path, capsys):
    def spoil(content):
        image = content['images'][0]
        content['images'].append({**image, 'id': 999})
        content['annotations'][0]['segmentation'] = []
        content['annotations'].append(dict(content['annotations'][-1]))

    change_json(source.folder / 'livecell_coco_val.json', spoil)
    assert _run(source.root, tmp_path / 'out') == 0
    printed = capsys.readouterr().out
    name = source.names['val'][0]
    assert f'1 images listed more than once, taken as one: {name}' in printed
    assert f'1 cells whose mask encloses nothing, left out: {name}' in printed
    assert '1 cells that repeat another one of the same image' in printed


def test_options_reach_the_conversion(source, tmp_path, capsys):
    out = tmp_path / 'out'
    assert (
        _run(
            source.root, out, '--classes', 'cell_type', '--no-official',
            '--images', 'copy', '--seed', '3', '--fractions', '30', '100',
            '--cell-types', 'bv-2', 'a172',
        )
        == 0
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert 'images: 10 copied' in printed
    assert sorted(p.name for p in (out / 'annotations/seed3').iterdir()) == [
        'manifest.json',
        'train_100.json',
        'train_30.json',
    ]
    content = json.loads(
        (out / 'annotations/livecell_coco_test.json').read_text()
    )
    assert len(content['categories']) == 8
    assert {i['cell_type'] for i in content['images']} == {'A172', 'BV2'}


def test_what_the_user_can_mend_leaves_with_code_2(source, tmp_path, capsys):
    out = tmp_path / 'out'
    assert _run(tmp_path / 'nothing', out) == 2
    assert 'nothing does not exist. LIVECell is at https' in (
        capsys.readouterr().err
    )
    assert _run(source.root, out, '--cell-types', 'hela') == 2
    assert "['hela'] are not of LIVECell" in capsys.readouterr().err
    (source.folder / 'livecell_coco_val.json').unlink()
    assert _run(source.root, out) == 2
    assert 'needed and not there: livecell_coco_val.json' in (
        capsys.readouterr().err
    )
    assert not out.exists()


def test_an_interrupted_run_says_how_to_go_on(
    source, tmp_path, capsys, monkeypatch
):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(conversion, 'write_splits', stop)
    assert _run(source.root, tmp_path / 'out') == 130
    assert 'the same command goes on' in capsys.readouterr().err
    monkeypatch.undo()
    assert _run(source.root, tmp_path / 'out') == 0
