import pytest

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.paired_files import PairNames, pair_files


@pytest.fixture
def pair(tmp_path):
    def pair(*files, **names):
        for file in files:
            path = tmp_path / 'src' / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        with open_source(tmp_path / 'src') as tree:
            return pair_files(tree, PairNames(**names))

    return pair


@pytest.mark.parametrize(
    ('image', 'label', 'key'),
    [
        ('000_img.png', '000_masks.png', '000'),
        ('x.tif', 'x_cp_masks.png', 'x'),
        ('000_img.png', '000_img_cp_masks.tif', '000'),
        ('day1/x.tif', 'day1/x_masks.tif', 'day1/x'),
        ('train/images/x.tif', 'train/masks/x.tif', 'train/x'),
        ('images/train/x.jpg', 'labels/train/x.png', 'train/x'),
        ('Images/x.bmp', 'GT/x_label.png', 'x'),
        ('x.png', 'labels/x.png', 'x'),
        ('img/images/x.png', 'img/masks/x.png', 'img/x'),
    ],
)
def test_usual_layouts_are_known(pair, image, label, key):
    found = pair(image, label)
    assert found.pairs == {key: (image, label)}
    assert not found.images_without
    assert not found.labels_without


def test_names_by_option(pair):
    found = pair(
        'imagesTr/p1_0000.png',
        'labelsTr/p1.png',
        image_folders=('imagesTr',),
        mask_folders=('labelsTr',),
        image_suffixes=('_0000',),
    )
    assert found.pairs == {'p1': ('imagesTr/p1_0000.png', 'labelsTr/p1.png')}


def test_everything_else_is_sorted_out(pair):
    found = pair(
        'b.png',
        'b_masks.png',
        'alone.png',
        'lost_masks.png',
        'b_flows.tif',
        'b_cp_output.png',
        'b_seg.npy',
        '.hidden.png',
        '__MACOSX/b.png',
    )
    assert found.pairs == {'b': ('b.png', 'b_masks.png')}
    assert found.images_without == {'alone': 'alone.png'}
    assert found.labels_without == ['lost_masks.png']
    assert found.ignored == [
        '.hidden.png',
        '__MACOSX/b.png',
        'b_cp_output.png',
        'b_flows.tif',
        'b_seg.npy',
    ]


def test_no_pair_names_what_was_found_and_the_options(pair):
    with pytest.raises(BadDataError) as caught:
        pair('images/x.png', 'annotated/x-labels.png', 'masks/y.png')
    message = str(caught.value)
    assert '2 image(s), first annotated/x-labels.png' in message
    assert '1 label(s), first masks/y.png' in message
    assert '--mask-suffix' in message


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        (('x.png', 'x_masks.png', 'x_cp_masks.png'), 'labels of one image'),
        (('x.png', 'x.tif', 'x_masks.png'), 'the images cannot be told apart'),
    ],
)
def test_twins_are_refused(pair, files, message):
    with pytest.raises(BadDataError, match=message):
        pair(*files)
