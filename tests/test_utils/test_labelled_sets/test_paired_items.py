import pytest

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.labelled_sets.paired_files import PairNames
from cupre_mm.utils.labelled_sets.paired_items import pair_items


@pytest.fixture
def tree(tmp_path):
    for name in ('images/b_img.png', 'images/a.png', 'masks/b.tif', 'n.txt'):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    with open_source(tmp_path) as tree:
        yield tree


def test_a_pair_keeps_the_name_of_its_image(tree):
    (item,), found, meanings = pair_items(tree, PairNames(), 'skip')
    assert item[:4] == ('b', 'images/b_img.png', 'masks/b.tif', 'b_img.png')
    assert found == {
        'images_without_labels': ['images/a.png'],
        'labels_without_image': [],
        'ignored_files': ['n.txt'],
    }
    assert meanings['images_without_labels'].endswith('left out')


def test_images_without_labels_may_be_items_in_their_place(tree):
    items, found, meanings = pair_items(tree, PairNames(), 'empty')
    assert [(item.name, item.label) for item in items] == [
        ('a', None),
        ('b', 'masks/b.tif'),
    ]
    # Noted when the image is converted.
    assert 'images_without_labels' not in found
    assert 'kept' in meanings['images_without_labels']


def test_images_without_labels_may_be_an_error(tree):
    with pytest.raises(BadDataError, match=r'1 image\(s\).*images/a\.png'):
        pair_items(tree, PairNames(), 'error')
    with pytest.raises(BadConfigError, match="error, got 'keep'"):
        pair_items(tree, PairNames(), 'keep')


def test_settings_change_the_fingerprint(tree):
    fingerprints = {
        pair_items(tree, PairNames(), 'skip', border)[0][0].fingerprint
        for border in ('keep', 'drop', 'drop')
    }
    assert len(fingerprints) == 2
