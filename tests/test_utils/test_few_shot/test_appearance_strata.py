import zipfile
from collections import Counter

import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.few_shot.appearance_strata import (
    appearance,
    appearance_strata,
)


def _cells(side=64, ground=10, cell=200, seed=0):
    chance = np.random.default_rng(seed)
    image = np.full((side, side), ground, np.uint8)
    for y, x in chance.integers(0, side - 8, (4, 2)):
        image[y : y + 8, x : x + 8] = cell
    return image


def test_dark_and_bright_ground_are_told_apart():
    fluorescence = appearance(_cells())
    transmitted = appearance(_cells(ground=220, cell=90))
    assert fluorescence.look == '64px dark gray'
    assert transmitted.look == '64px bright gray'


def test_colour_is_told_from_gray_stored_as_colour():
    gray = np.repeat(_cells(ground=230, cell=90)[..., None], 4, axis=-1)
    gray[..., 3] = 255
    stained = gray.copy()
    stained[..., 1] = stained[..., 1] // 2
    assert appearance(gray).look == '64px bright gray'
    assert appearance(stained).look == '64px bright colour'


def test_bit_depth_does_not_change_the_look():
    deep = _cells().astype(np.uint16) * 16 + 3
    assert appearance(deep).look == appearance(_cells()).look
    floats = _cells().astype(np.float32) / 255
    floats[0, 0] = np.nan
    assert appearance(floats).look == appearance(_cells()).look


@pytest.mark.parametrize(
    ('shape', 'edge'),
    [((256, 256), 256), ((256, 320), 256), ((360, 360), 362)]
    + [((520, 696), 512), ((1, 1), 1)],
)
def test_sizes_are_rounded_to_half_octaves(shape, edge):
    assert appearance(np.zeros(shape, np.uint8)).edge == edge


def test_a_constant_image_is_dark_and_gray():
    assert appearance(np.full((64, 64, 3), 200, np.uint8)).look == (
        '64px dark gray'
    )


def test_two_channels_are_no_colours():
    two = np.stack([_cells(), np.zeros_like(_cells())], axis=-1)
    assert not appearance(two).coloured


def test_images_of_one_look_are_cut_by_mean_intensity(tmp_path):
    names = []
    for i in range(40):
        names.append(f'dark{i:02}.png')
        Image.fromarray(_cells(32, cell=100 + 3 * i)).save(tmp_path / names[i])
    Image.fromarray(_cells(32, 230, 50)).save(tmp_path / 'bright.png')
    tifffile.imwrite(tmp_path / 'deep.tif', _cells(32).astype(np.uint16) * 200)
    strata = appearance_strata(tmp_path, [*names, 'bright.png', 'deep.tif'])
    assert Counter(strata.values()) == {
        '32px dark gray 1/2': 21,
        '32px dark gray 2/2': 20,
        '32px bright gray 1/1': 1,
    }
    assert strata['dark00.png'].endswith('1/2')
    assert strata['dark39.png'].endswith('2/2')
    assert strata['deep.tif'].endswith('2/2')


def test_missing_images_and_folders_are_named(tmp_path):
    with pytest.raises(MissingDataError, match=r'folder .*none does not'):
        appearance_strata(tmp_path / 'none', ['a.png'])
    Image.fromarray(_cells()).save(tmp_path / 'a.png')
    with pytest.raises(
        MissingDataError, match=r'2 of the 3 images .*: b.png, c/d.png; name'
    ):
        appearance_strata(tmp_path, ['a.png', 'b.png', 'c/d.png'])


def test_an_unreadable_image_is_named(tmp_path):
    (tmp_path / 'broken.png').write_bytes(b'\x89PNG\r\n\x1a\n' + bytes(40))
    with pytest.raises(BadDataError, match=r'broken\.png'):
        appearance_strata(tmp_path, ['broken.png'])


def test_modalities_of_bbbc038_are_told_apart(shared_data, tmp_path):
    looks = set()
    with zipfile.ZipFile(shared_data / 'bbbc038_stage1_train.zip') as archive:
        images = [
            name
            for name in sorted(archive.namelist())
            if '/images/' in name and name.endswith('.png')
        ]
        for number, name in enumerate(images[:60:3]):
            path = tmp_path / f'{number}.png'
            path.write_bytes(archive.read(name))
            looks |= set(appearance_strata(tmp_path, [path.name]).values())
    assert '256px dark gray 1/1' in looks
    assert '256px bright colour 1/1' in looks
