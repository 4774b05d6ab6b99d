import pytest

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.mask_groups import group_masks
from cupre_mm.utils.labelled_sets.paired_files import PairNames


@pytest.fixture
def group(tmp_path):
    def group(*files, **names):
        for file in files:
            path = tmp_path / 'src' / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        with open_source(tmp_path / 'src') as tree:
            return group_masks(tree, PairNames(**names))

    return group


@pytest.mark.parametrize(
    ('image', 'masks', 'name', 'file_name'),
    [
        ('aa/images/aa.png', 'aa/masks/', 'aa', 'aa.png'),
        ('set/aa/image.tif', 'set/aa/masks/', 'set/aa', 'set/aa.tif'),
        ('images/x.tif', 'masks/x/', 'x', 'x.tif'),
        ('train/images/x_img.tif', 'train/masks/x/', 'train/x', 'train/x.tif'),
        ('images/x.png', 'masks/', 'x', 'x.png'),
    ],
)
def test_layouts(group, image, masks, name, file_name):
    files = [f'{masks}{n}.png' for n in (2, 0, 1)]
    found = group(image, *files, 'readme.txt')
    assert found.groups == {name: (image, file_name, sorted(files))}
    assert found.ignored == ['readme.txt']
    assert found.masks_without == []


def test_images_without_masks_and_masks_without_images(group):
    found = group(
        'aa/images/aa.png', 'aa/masks/0.png', 'bb/images/bb.png',
        'cc/masks/0.png', 'overview.png',
    )  # fmt: skip
    assert found.groups == {
        'aa': ('aa/images/aa.png', 'aa.png', ['aa/masks/0.png']),
        'bb': ('bb/images/bb.png', 'bb.png', []),
    }
    assert found.masks_without == ['cc/masks/0.png']
    # Where image folders exist, an image outside them is none of the set.
    assert found.ignored == ['overview.png']


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        (
            ('images/a.png', 'images/b.png', 'masks/a.png', 'masks/b.png'),
            'add --objects components',
        ),
        (('a/a.png', 'a/masks/0.png', 'masks/b/0.png'), 'mixes two layouts'),
        (('images/a.png', 'cells/a.png'), 'no image with masks: 1 image'),
    ],
)
def test_other_layouts_are_refused(group, files, message):
    with pytest.raises(BadDataError, match=message):
        group(*files)


def test_folders_by_option(group):
    found = group(
        'aa/raw/aa.png', 'aa/nuclei/0.png',
        image_folders=('raw',), mask_folders=('nuclei',),
    )  # fmt: skip
    assert found.groups['aa'][2] == ['aa/nuclei/0.png']
