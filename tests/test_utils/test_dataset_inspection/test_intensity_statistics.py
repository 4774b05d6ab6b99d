import numpy as np
import pytest
import tifffile

from cupre_mm.utils.dataset_inspection.intensity_statistics import (
    describe_intensities,
)


@pytest.fixture
def files(tmp_path) -> list:
    for number in range(6):
        image = np.full((10, 10), 100 * (number + 1), np.uint16)
        tifffile.imwrite(tmp_path / f'{number}.tif', image)
    return sorted(tmp_path.glob('*.tif'))


def test_number_types_and_percentiles_are_told(files, tmp_path):
    nan = np.full((10, 10, 3), 0.5, np.float32)
    nan[0, 0] = np.nan
    tifffile.imwrite(tmp_path / 'float.tif', nan, photometric='rgb')
    found = describe_intensities([*files, tmp_path / 'float.tif'], 99, 0)
    assert found['dtypes'] == {'uint16': 6, 'float32': 1}
    assert found['channels'] == {'1': 6, '3': 1}
    assert found['by_dtype']['uint16']['p50'] == dict(
        least=100, median=350, greatest=600
    )
    assert found['by_dtype']['float32']['p100']['greatest'] == 0.5


def test_sample_is_drawn_by_the_seed_and_said(files):
    one, same, other = (
        describe_intensities(files, 3, seed) for seed in (0, 0, 3)
    )
    assert (one['images'], one['sampled']) == (6, 3)
    assert one == same
    assert one['images_by_file'] != other['images_by_file']


def test_unreadable_images_are_counted_and_named(files):
    files[2].write_bytes(b'')
    found = describe_intensities(files, 99, 0)
    assert found['unreadable_images'] == 1
    assert '2.tif' in found['unreadable'][0]
    assert found['dtypes'] == {'uint16': 5}
