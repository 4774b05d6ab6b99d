from pathlib import Path

import numpy as np
import pytest
import tifffile
from pycocotools import mask as rle_tools
from roifile import ROI_TYPE, ImagejRoi, roiwrite

from cupre_mm.apis.exporters import write_rois
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.own_labels.label_reading import read_labels
from tests.labelled_discs import write_labelled
from tests.segmented_cells import odd_cells


def _masks(out: Path) -> list[np.ndarray]:
    coco = read_coco(out / 'annotations' / 'instances.json')[0]
    return [
        rle_tools.decode(one['segmentation']).astype(bool)
        for one in coco['annotations']
    ]


def _square(left: int, top: int, name: str, **keys) -> ImagejRoi:
    right, bottom = left + 10, top + 10
    roi = ImagejRoi.frompoints(
        np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    )
    roi.name = name
    for key, value in keys.items():
        setattr(roi, key, value)
    return roi


def _fiji(folder: Path, file: str, *rois: ImagejRoi) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(folder / 'field.tif', np.zeros((60, 80), np.uint8))
    roiwrite(folder / file, rois, mode='w')
    return folder


def test_regions_that_predict_wrote_come_back_pixel_by_pixel(tmp_path):
    cells = odd_cells()
    for kind in ('images', 'rois'):
        (tmp_path / 'src' / kind).mkdir(parents=True)
    tifffile.imwrite(
        tmp_path / 'src/images/a.tif', np.zeros(cells.shape, np.uint8)
    )
    write_rois(cells, tmp_path / 'src/rois/a.zip', source=SourceInfo())
    read = read_labels(tmp_path / 'src', tmp_path / 'out')
    assert read.form == 'labels'
    labels = cells.label_image()
    found = _masks(tmp_path / 'out')
    assert len(found) == len(cells)
    for number, mask in enumerate(found, 1):
        assert (mask == (labels == number)).all()


@pytest.mark.parametrize(
    'file',
    ['field.zip', 'field_RoiSet.zip', 'RoiSet_field.zip', 'field_rois.zip'],
)
def test_a_roi_set_is_found_by_the_name_of_its_image(tmp_path, file):
    source = _fiji(
        tmp_path / 'src', file, _square(5, 5, 'a'), _square(30, 20, 'b')
    )
    read = read_labels(source, tmp_path / 'out')
    assert [mask.sum() for mask in _masks(tmp_path / 'out')] == [100, 100]
    assert read.notes == []


def test_lines_and_regions_of_other_planes_are_left_out_and_said(tmp_path):
    line = ImagejRoi(roitype=ROI_TYPE.LINE, x1=3, y1=3, x2=9, y2=9, name='l')
    source = _fiji(
        tmp_path / 'src',
        'field.zip',
        _square(5, 5, 'a'),
        line,
        _square(30, 20, 'deep', position=3),
    )
    read = read_labels(source, tmp_path / 'out')
    assert read.result.annotations == 1
    notes = '\n'.join(read.notes)
    assert '1 lines, points or empty regions' in notes
    assert '1 regions drawn on a later plane' in notes


def test_a_roi_set_of_the_default_name_says_how_to_call_it(tmp_path):
    source = _fiji(tmp_path / 'src', 'RoiSet.zip', _square(5, 5, 'a'))
    with pytest.raises(BadDataError, match=r'RoiSet\.zip.*call the file'):
        read_labels(source, tmp_path / 'out')


def test_a_damaged_roi_set_stops_with_its_name(tmp_path):
    source = _fiji(tmp_path / 'src', 'field.zip', _square(5, 5, 'a'))
    (source / 'field.zip').write_bytes(b'PK broken')
    with pytest.raises(BadDataError, match=r'field\.zip: no file of the ROI'):
        read_labels(source, tmp_path / 'out')


def test_label_images_come_before_what_was_drawn(tmp_path):
    source = write_labelled(tmp_path / 'src', images=2)
    roiwrite(source / 'field0.zip', [_square(5, 5, 'a')])
    (source / 'field1_masks.tif').unlink()
    roiwrite(source / 'field1.zip', [_square(5, 5, 'a')])
    read = read_labels(source, tmp_path / 'out')
    assert read.result.annotations == 9 + 1
    assert any('1 files neither image nor label' in n for n in read.notes)


def test_seg_files_of_cellpose_need_no_export(tmp_path):
    source = write_labelled(tmp_path / 'src', images=2)
    for number in range(2):
        file = source / f'field{number}_masks.tif'
        np.save(
            source / f'field{number}_seg.npy', {'masks': tifffile.imread(file)}
        )
        file.unlink()
    read = read_labels(source, tmp_path / 'out')
    assert (read.result.images, read.result.annotations) == (2, 18)
    assert read.notes == []


def test_a_seg_file_of_another_image_is_refused(tmp_path):
    source = write_labelled(tmp_path / 'src', images=1)
    (source / 'field0_masks.tif').unlink()
    np.save(source / 'field0_seg.npy', {'masks': np.eye(9, dtype=np.uint16)})
    with pytest.raises(BadDataError, match=r'9x9 pixels, field0\.tif has 96'):
        read_labels(source, tmp_path / 'out')


def test_two_files_for_one_image_are_not_guessed_between(tmp_path):
    source = _fiji(tmp_path / 'src', 'field.zip', _square(5, 5, 'a'))
    roiwrite(source / 'field_RoiSet.zip', [_square(5, 5, 'a')])
    with pytest.raises(BadDataError, match='labels of one image'):
        read_labels(source, tmp_path / 'out')


def test_two_images_of_one_name_are_not_guessed_between(tmp_path):
    source = _fiji(tmp_path / 'src', 'field.zip', _square(5, 5, 'a'))
    tifffile.imwrite(source / 'field.tiff', np.zeros((60, 80), np.uint8))
    with pytest.raises(BadDataError, match='images of one name'):
        read_labels(source, tmp_path / 'out')
