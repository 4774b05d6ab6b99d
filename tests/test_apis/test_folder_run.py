import os

import numpy as np
import pytest
import tifffile

from cupre_mm.apis import image_loading
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.errors import (
    BadConfigError,
)
from cupre_mm.utils.plane_selection import PlaneSelection
from tests.stub_segmenter import (
    StubSegmenter,
    cells_of,
    files_below,
    run,
    settings,
    spots,
    write_image,
)


def test_results_mirror_the_folders_of_the_images(folder, out):
    result, _ = run(folder, out)
    assert not result.failures
    assert result.done_now == 3
    assert set(files_below(out)) == {
        *('label/a.tif', 'label/b.tif', 'label/sub/c.tif'),
        *('csv/a.csv', 'csv/b.csv', 'csv/sub/c.csv'),
    }
    for name, seed in (('a', 0), ('b', 1), ('sub/c', 2)):
        found = tifffile.imread(out / 'label' / f'{name}.tif')
        np.testing.assert_array_equal(found > 0, spots(seed) > 100)


def test_files_that_differ_in_the_extension_alone_do_not_meet(folder, out):
    write_image(folder / 'a.tif', spots(7))
    run(folder, out)
    for name, seed in (('a.png', 0), ('a.tif', 7)):
        found = tifffile.imread(out / 'label' / f'{name}.tif')
        np.testing.assert_array_equal(found > 0, spots(seed) > 100)


def test_results_of_another_file_of_the_same_name_are_kept(
    folder, out, tmp_path
):
    run(folder, out)
    write_image(tmp_path / 'others' / 'a.png', spots(9))
    with pytest.raises(BadConfigError, match='another output folder'):
        run(tmp_path / 'others', out)


def test_a_second_run_does_nothing(folder, out):
    first, _ = run(folder, out)
    before = files_below(out)
    second, seen = run(folder, out)
    assert not seen.seen
    assert second.done_now == 0
    assert second.records == first.records
    assert files_below(out) == before


def test_a_changed_image_alone_is_done_anew(folder, out):
    run(folder, out)
    write_image(folder / 'b.png', spots(5))
    os.utime(folder / 'b.png', ns=(1, 1))
    result, segmenter = run(folder, out)
    assert segmenter.seen == ['b.png']
    assert len(result.records) == 3
    found = tifffile.imread(out / 'label' / 'b.tif')
    np.testing.assert_array_equal(found > 0, spots(5) > 100)


@pytest.mark.parametrize(
    'changes',
    [
        {'options': SegmentationOptions(score_thr=0.4)},
        {'checkpoint_hash': 'v' * 64},
        {'config_hash': 'd' * 64},
    ],
)
def test_changed_settings_do_all_anew(folder, out, changes):
    run(folder, out)
    result, _ = run(folder, out, settings(**changes))
    assert result.done_now == 3


def test_a_batch_size_is_no_setting(folder, out):
    run(folder, out)
    options = SegmentationOptions(batch_size=2)
    result, _ = run(folder, out, settings(options=options))
    assert result.done_now == 0


def test_formats_that_are_not_wanted_any_more_are_removed(folder, out):
    run(folder, out)
    run(folder, out, settings(outputs=('label',)))
    assert {path.split('/')[0] for path in files_below(out)} == {'label'}


def test_force_does_all_anew(folder, out):
    run(folder, out)
    result, _ = run(folder, out, force=True)
    assert result.done_now == 3
    assert not result.changed


def test_results_that_are_gone_or_cut_off_are_made_anew(folder, out):
    run(folder, out)
    before = files_below(out)
    (out / 'csv' / 'a.csv').unlink()
    label = out / 'label' / 'b.tif'
    label.write_bytes(label.read_bytes()[:-10])
    result, segmenter = run(folder, out)
    assert segmenter.seen == ['a.png', 'b.png']
    after = files_below(out)
    kept = f'label/{result.changed[0].name}'
    assert {path: after[path] for path in before} == before
    assert set(after) - set(before) == {kept}


def test_a_label_image_corrected_by_hand_is_kept_aside(folder, out):
    run(folder, out)
    edited = np.full((24, 32), 7, np.uint16)
    tifffile.imwrite(out / 'label' / 'a.tif', edited)
    result, _ = run(folder, out, force=True)
    (kept,) = result.changed
    np.testing.assert_array_equal(tifffile.imread(kept), edited)
    assert tifffile.imread(out / 'label' / 'a.tif').max() == 3


@pytest.mark.parametrize('workers', [0, 2])
def test_a_split_stack_gives_results_for_each_plane(folder, out, workers):
    planes = np.stack([spots(seed) for seed in range(3)])
    write_image(
        folder / 's.tif', planes, imagej=True, metadata={'axes': 'ZYX'}
    )
    # What the planes of s.tif are called, another file may be called.
    write_image(folder / 's_z001.png', spots(8))
    given = settings(selection=PlaneSelection(z='split'))
    result, _ = run(folder, out, given, workers=workers)
    assert not result.failures
    for z in range(3):
        found = tifffile.imread(out / 'label' / f's.tif_z00{z}.tif')
        np.testing.assert_array_equal(found > 0, spots(z) > 100)
    found = tifffile.imread(out / 'label' / 's_z001.tif')
    np.testing.assert_array_equal(found > 0, spots(8) > 100)
    (out / 'label' / 's.tif_z001.tif').unlink()
    again, segmenter = run(folder, out, given)
    assert again.done_now == 1
    assert len(segmenter.seen) == 1
    assert len(again.records) == len(result.records) == 7


def test_all_series_of_a_file(folder, out):
    with tifffile.TiffWriter(folder / 'two.tif') as tiff:
        tiff.write(spots(1), photometric='minisblack')
        tiff.write(spots(2, (30, 40)), photometric='minisblack')
    run(folder, out, settings(series='split'))
    assert tifffile.imread(out / 'label' / 'two_s0.tif').shape == (24, 32)
    assert tifffile.imread(out / 'label' / 'two_s1.tif').shape == (30, 40)
    result, _ = run(folder, out)
    (record,) = [one for one in result.records if one['file'] == 'two.tif']
    assert '1 further image series' in record['notes'][0]


def test_images_of_one_size_go_through_the_network_together(folder, out):
    write_image(folder / 'other.png', spots(0, (40, 32)))
    run(folder, out)
    one_by_one = files_below(out)
    options = SegmentationOptions(batch_size=2)
    _, segmenter = run(folder, out, settings(options=options), force=True)
    assert segmenter.batches == [2]
    assert len(segmenter.seen) == 4
    assert files_below(out) == one_by_one


def test_large_images_are_read_in_parts(folder, out, tmp_path, monkeypatch):
    run(folder, out)
    monkeypatch.setattr(image_loading, '_LARGEST', 100)
    result, _ = run(folder, tmp_path / 'other')
    assert not result.failures
    assert files_below(tmp_path / 'other') == files_below(out)


def test_worker_processes_change_nothing(folder, out, tmp_path):
    (folder / 'text.tif').write_text('no image')
    alone, _ = run(folder, out)
    helped, _ = run(folder, tmp_path / 'other', workers=2)
    assert files_below(tmp_path / 'other') == files_below(out)
    assert helped.failures == alone.failures


def test_one_pixel_and_black_images(folder, out):
    write_image(folder / 'one.png', np.full((1, 1), 255, np.uint8))
    write_image(folder / 'black.tif', np.zeros((24, 32), np.float32))
    result, _ = run(folder, out)
    assert not result.failures
    assert tifffile.imread(out / 'label' / 'one.tif').reshape(-1).tolist() == [
        1
    ]
    assert tifffile.imread(out / 'label' / 'black.tif').max() == 0
    assert (out / 'csv' / 'black.csv').is_file()


def test_more_cells_than_sixteen_bits_count(tmp_path, out):
    class Crowded(StubSegmenter):
        def segment_source(self, source, progress=False):
            pixel = np.ones((1, 1), bool)
            masks = [
                CroppedMask(2 * (i // 320), 2 * (i % 320), pixel)
                for i in range(100_000)
            ]
            return cells_of(source.shape, masks)

    folder = tmp_path / 'cells'
    write_image(folder / 'many.png', np.zeros((640, 640), np.uint8))
    result, _ = run(
        folder, out, settings(outputs=('label',)), segmenter=Crowded()
    )
    assert result.records[0]['cells'] == 100_000
    found = tifffile.imread(out / 'label' / 'many.tif')
    assert found.dtype == np.uint32
    assert found.max() == 100_000
