import io
import zipfile

import numpy as np
import pytest
from roifile import ROI_TYPE, ImagejRoi

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.own_labels.roi_files import (
    is_area,
    is_on_first_plane,
    pixels_of,
    read_regions,
)


def _image(mask, shape=(20, 30)):
    image = np.zeros(shape, bool)
    rows, columns = mask.pixels.shape
    image[mask.top : mask.top + rows, mask.left : mask.left + columns] = (
        mask.pixels
    )
    return image


def _polygon(points):
    return ImagejRoi.frompoints(np.array(points))


def test_a_polygon_is_filled_between_its_corners():
    mask = pixels_of(_polygon([[3, 2], [8, 2], [8, 6], [3, 6]]), 20, 30)
    expected = np.zeros((20, 30), bool)
    expected[2:6, 3:8] = True
    assert (_image(mask) == expected).all()


def test_corners_between_pixels_count_the_centres():
    roi = _polygon([[3.4, 2.6], [8.6, 2.6], [8.6, 6.4], [3.4, 6.4]])
    expected = np.zeros((20, 30), bool)
    expected[3:6, 3:9] = True
    assert (_image(pixels_of(roi, 20, 30)) == expected).all()


def test_rectangles_and_ovals_have_no_coordinates_of_their_own():
    bounds = dict(top=2, left=4, bottom=12, right=24)
    rect = pixels_of(ImagejRoi(roitype=ROI_TYPE.RECT, **bounds), 20, 30)
    assert (rect.top, rect.left, rect.pixels.shape) == (2, 4, (10, 20))
    assert rect.pixels.all()
    oval = pixels_of(ImagejRoi(roitype=ROI_TYPE.OVAL, **bounds), 20, 30)
    assert oval.area == pytest.approx(np.pi * 5 * 10, rel=0.04)


def test_what_lies_outside_of_the_image_is_cut_off():
    roi = _polygon([[25, 15], [40, 15], [40, 30], [25, 30]])
    mask = pixels_of(roi, 20, 30)
    assert (mask.top, mask.left, mask.pixels.shape) == (15, 25, (5, 5))
    assert pixels_of(roi, 10, 10) is None


def test_lines_and_points_enclose_nothing():
    assert not is_area(ImagejRoi(roitype=ROI_TYPE.LINE))
    assert not is_area(ImagejRoi(roitype=ROI_TYPE.POINT))
    assert is_area(ImagejRoi(roitype=ROI_TYPE.FREEHAND))


@pytest.mark.parametrize('key', ['position', 'z_position', 't_position'])
def test_regions_of_a_later_plane_are_told(key):
    assert is_on_first_plane(ImagejRoi(**{key: 1}))
    assert not is_on_first_plane(ImagejRoi(**{key: 2}))


def test_a_zip_and_a_single_region_are_read():
    region = _polygon([[3, 2], [8, 2], [8, 6]]).tobytes()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('0001.roi', region)
        archive.writestr('notes.txt', b'none')
        archive.writestr('0002.roi', region)
    names = [name for name, _ in read_regions(stream.getvalue(), 'a.ZIP')]
    assert names == ['0001.roi', '0002.roi']
    assert len(read_regions(region, 'b/a.roi')) == 1


@pytest.mark.parametrize(
    ('content', 'name', 'said'),
    [
        (b'PK no zip', 'a.zip', 'no file of the ROI manager'),
        (b'text', 'a.roi', 'no file of the ROI manager'),
    ],
)
def test_damaged_files_are_refused(content, name, said):
    with pytest.raises(BadDataError, match=said):
        read_regions(content, name)


def test_a_zip_without_a_region_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('a.tif', b'')
    with pytest.raises(BadDataError, match=r'no \.roi'):
        read_regions(stream.getvalue(), 'a.zip')
