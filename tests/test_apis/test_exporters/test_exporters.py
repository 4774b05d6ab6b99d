import json
import resource
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile
from PIL import Image
from pycocotools.coco import COCO
from roifile import roiread

from cupre_mm.apis.exporters import EXPORTERS
from cupre_mm.apis.source_info import array_source_info
from cupre_mm.utils.cropped_masks import CroppedMask
from tests.segmented_cells import segmentation_of


@contextmanager
def files_of_at_most(size):
    """Make larger files fail as they do on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def write(tmp_path):
    def write_one(name, cells, image):
        extension, writer = EXPORTERS[name]
        path = tmp_path / f'Zellen ü 細胞{extension}'
        source = array_source_info(image)
        return writer(cells, path, source=source)

    return write_one


def test_an_image_without_cells_is_a_whole_file_in_each_format(write):
    cells = segmentation_of([], (40, 50), ())
    image = np.arange(2000, dtype=np.uint16).reshape(40, 50)
    paths = {name: write(name, cells, image) for name in EXPORTERS}
    labels = tifffile.imread(paths['label'])
    assert labels.shape == (40, 50)
    assert not labels.any()
    assert COCO(paths['coco']).getAnnIds() == []
    assert len(COCO(paths['coco']).imgs) == 1
    assert roiread(paths['rois']) == []
    assert json.loads(paths['geojson'].read_text())['features'] == []
    assert len(paths['csv'].read_text().splitlines()) == 1
    assert Image.open(paths['overlay']).size == (50, 40)


@pytest.mark.parametrize('name', sorted(EXPORTERS))
def test_a_disk_that_fills_up_leaves_the_older_file(tmp_path, write, name):
    draws = np.random.default_rng(0)
    places = [(i, j) for i in range(0, 90, 9) for j in range(0, 90, 9)]
    masks = []
    for top, left in places:
        pixels = draws.random((8, 8)) < 0.7
        pixels[[0, -1]] = pixels[:, [0, -1]] = True
        masks.append(CroppedMask(top, left, pixels))
    cells = segmentation_of(masks, (100, 100))
    image = draws.integers(0, 255, (100, 100), dtype=np.uint8)
    few = segmentation_of(masks[:1], (100, 100))
    path = write(name, few, image)
    before = path.read_bytes()
    with files_of_at_most(5_000), pytest.raises(OSError, match='large'):
        write(name, cells, image)
    assert path.read_bytes() == before
    assert [p for p in tmp_path.iterdir() if p.suffix == path.suffix] == [path]
