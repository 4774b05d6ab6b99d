"""tools/make_demo_data.py at its smallest size."""

import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from cupre_mm.utils.demo_data import SIZES, demo_set, write_demo_data

ROOT = Path(__file__).resolve().parents[2]
TINY = SIZES['tiny']
ANNOTATIONS = (
    'natural/annotations/instances_train.json',
    'natural/annotations/instances_val.json',
    'cells_labelled/annotations/instances.json',
)


@pytest.fixture(scope='module')
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        'make_demo_data', ROOT / 'tools' / 'make_demo_data.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('demo') / 'tiny'
    write_demo_data(folder, seed=0, size='tiny')
    return folder


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrink the tiny set further, for tests that write it twice."""
    size = demo_set.DemoSize(1, 1, 1, 1, (96, 96), (96, 96), (8, 8))
    monkeypatch.setitem(demo_set.SIZES, 'tiny', size)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_same_seed_gives_the_same_bytes(tiny: Path, tmp_path: Path) -> None:
    write_demo_data(tmp_path / 'again', seed=0, size='tiny')
    assert digests(tmp_path / 'again') == digests(tiny)


@pytest.mark.usefixtures('few')
def test_another_seed_changes_every_picture(tmp_path: Path) -> None:
    write_demo_data(tmp_path / 'a', seed=0, size='tiny')
    write_demo_data(tmp_path / 'b', seed=1, size='tiny')
    one, other = digests(tmp_path / 'a'), digests(tmp_path / 'b')
    assert one.keys() == other.keys()
    assert not set(one.values()) & set(other.values())


def test_no_two_pictures_are_the_same(tiny: Path) -> None:
    found = digests(tiny)
    assert len(set(found.values())) == len(found)


def test_counts_on_disk_match_the_manifest(tiny: Path) -> None:
    manifest = json.loads((tiny / 'demo_data.json').read_text())
    assert manifest['complete'] is True
    assert (manifest['seed'], manifest['size']) == (0, 'tiny')
    counts = manifest['counts']
    natural = len(list((tiny / 'natural/images').iterdir()))
    assert natural == TINY.natural_train + TINY.natural_val
    for look in ('phase', 'fluorescence', 'stained'):
        found = len(list((tiny / 'cells_unlabelled' / look).iterdir()))
        assert found == TINY.per_look == counts[f'unlabelled {look} images']
    coco = COCO(tiny / ANNOTATIONS[2])
    assert len(coco.imgs) == TINY.labelled == counts['labelled cell images']
    assert len(coco.anns) == counts['labelled cell instances']


@pytest.mark.parametrize('name', ANNOTATIONS)
def test_annotations_agree_with_their_masks(tiny: Path, name: str) -> None:
    coco = COCO(tiny / name)
    images = (tiny / name).parent.parent / 'images'
    assert coco.anns
    for image in coco.imgs.values():
        pixels = cv2.imread(str(images / image['file_name']))
        assert pixels.shape[:2] == (image['height'], image['width'])
    for annotation in coco.anns.values():
        image = coco.imgs[annotation['image_id']]
        mask = coco.annToMask(annotation)
        assert mask.sum() == annotation['area'] > 0
        x, y, width, height = annotation['bbox']
        assert x >= 0
        assert y >= 0
        assert width > 0
        assert height > 0
        assert x + width <= image['width']
        assert y + height <= image['height']


def test_natural_set_holds_polygons_and_rle_of_many_kinds(tiny: Path) -> None:
    coco = COCO(tiny / ANNOTATIONS[0])
    forms = {type(a['segmentation']) for a in coco.anns.values()}
    assert forms == {list, dict}
    assert len(coco.cats) == 20
    assert len({a['category_id'] for a in coco.anns.values()}) > 8


def test_labelled_cells_share_no_pixel_and_some_touch(tiny: Path) -> None:
    coco = COCO(tiny / ANNOTATIONS[2])
    assert [c['name'] for c in coco.cats.values()] == ['cell']
    touching = 0
    for image_id in coco.imgs:
        annotations = coco.loadAnns(coco.getAnnIds(image_id))
        assert TINY.cells[0] <= len(annotations) <= TINY.cells[1]
        masks = np.stack([coco.annToMask(a) for a in annotations])
        assert masks.sum(0, dtype=int).max() == 1
        labels = (masks * np.arange(1, len(masks) + 1)[:, None, None]).sum(0)
        left, right = labels[:, :-1], labels[:, 1:]
        touching += ((left != right) & (left > 0) & (right > 0)).any()
    assert touching >= TINY.labelled / 2


def test_fluorescence_is_dark_sixteen_bit_gray_tiff(tiny: Path) -> None:
    files = list((tiny / 'cells_unlabelled/fluorescence').glob('*.tif'))
    assert len(files) == TINY.per_look
    for file in files:
        pixels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert pixels.dtype == np.uint16
        assert pixels.ndim == 2
        assert np.percentile(pixels, 99) < 0.2 * 65535
        assert pixels.max() > 2 * np.median(pixels)


def test_phase_is_gray_png_and_stained_is_colour_png_and_jpg(
    tiny: Path,
) -> None:
    for file in (tiny / 'cells_unlabelled/phase').iterdir():
        pixels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert (file.suffix, pixels.ndim) == ('.png', 2)
        assert pixels.dtype == np.uint8
    stained = list((tiny / 'cells_unlabelled/stained').iterdir())
    assert {file.suffix for file in stained} == {'.png', '.jpg'}
    for file in stained:
        assert cv2.imread(str(file), cv2.IMREAD_UNCHANGED).ndim == 3


def test_unlabelled_sizes_differ(tiny: Path) -> None:
    shapes = {
        cv2.imread(str(file), cv2.IMREAD_UNCHANGED).shape[:2]
        for file in (tiny / 'cells_unlabelled/phase').iterdir()
    }
    assert len(shapes) > 2


@pytest.mark.usefixtures('few')
def test_complete_set_is_kept_untouched(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'set'
    tool.main([str(out), '--size', 'tiny'])
    assert f'Demo data written in {out}' in capsys.readouterr().out
    stamps = {p: p.stat().st_mtime_ns for p in out.rglob('*')}
    tool.main([str(out), '--size', 'tiny'])
    told = capsys.readouterr().out
    assert f'Demo data kept in {out}' in told
    assert '1 labelled cell images' in told
    assert {p: p.stat().st_mtime_ns for p in out.rglob('*')} == stamps


@pytest.mark.usefixtures('few')
@pytest.mark.parametrize('damage', ['interrupted', 'picture', 'annotation'])
def test_damaged_set_is_written_anew(tmp_path: Path, damage: str) -> None:
    out = tmp_path / 'set'
    write_demo_data(out, size='tiny')
    whole = digests(out)
    if damage == 'interrupted':
        marker = json.loads((out / 'demo_data.json').read_text())
        marker['complete'] = False
        (out / 'demo_data.json').write_text(json.dumps(marker))
    elif damage == 'picture':
        next((out / 'cells_labelled/images').iterdir()).unlink()
    else:
        (out / ANNOTATIONS[0]).unlink()
    report = write_demo_data(out, size='tiny')
    assert report.action == 'rewritten'
    assert report.reason
    assert digests(out) == whole


@pytest.mark.usefixtures('few')
def test_interruption_leaves_a_marker_that_lets_the_next_run_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / 'set'

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo_set, '_write_labelled', stop)
        with pytest.raises(KeyboardInterrupt):
            write_demo_data(out, size='tiny')
    report = write_demo_data(out, size='tiny')
    assert report.reason == 'an earlier run was interrupted'
    assert write_demo_data(out, size='tiny').action == 'kept'


@pytest.mark.usefixtures('few')
def test_other_seed_in_the_same_folder_replaces_the_set(
    tmp_path: Path,
) -> None:
    out = tmp_path / 'set'
    write_demo_data(out, seed=0, size='tiny')
    report = write_demo_data(out, seed=1, size='tiny')
    assert report.action == 'rewritten'
    assert 'it held seed 0' in report.reason
    write_demo_data(tmp_path / 'fresh', seed=1, size='tiny')
    assert digests(out) == digests(tmp_path / 'fresh')


def test_foreign_folder_is_refused_and_untouched(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / 'natural').mkdir()
    (tmp_path / 'natural' / 'mine.txt').write_text('keep me')
    with pytest.raises(SystemExit) as stop:
        tool.main([str(tmp_path), '--size', 'tiny'])
    assert stop.value.code == 2
    assert 'holds no demo_data.json' in capsys.readouterr().err
    assert [p.name for p in tmp_path.rglob('*.*')] == ['mine.txt']


def test_foreign_marker_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'demo_data.json').write_text('{"seed": 0')
    with pytest.raises(FileExistsError, match='not empty'):
        write_demo_data(tmp_path, size='tiny')


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (['--size', 'huge'], "invalid choice: 'huge'"),
        (['--seed', '-1'], 'seed must not be negative, but got -1'),
        (['--seed', 'one'], "invalid int value: 'one'"),
    ],
)
def test_bad_argument_exits_with_two(
    tool: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    arguments: list[str],
    told: str,
) -> None:
    with pytest.raises(SystemExit) as stop:
        tool.main([str(tmp_path / 'set'), *arguments])
    assert stop.value.code == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / 'set').exists()


def test_file_as_folder_exits_with_two(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / 'set'
    file.write_text('a file')
    with pytest.raises(SystemExit) as stop:
        tool.main([str(file), '--size', 'tiny'])
    assert stop.value.code == 2
    assert 'is a file' in capsys.readouterr().err
    assert file.read_text() == 'a file'


def test_unknown_size_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'huge': choose one of tiny"):
        write_demo_data('unused', size='huge')
