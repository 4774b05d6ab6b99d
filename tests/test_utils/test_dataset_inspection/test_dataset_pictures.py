import json

import numpy as np
import pytest
import tifffile
from mmengine.registry import init_default_scope
from PIL import Image
from pycocotools import mask as mask_codes

from cupre_mm.registry import DATASETS
from cupre_mm.utils.dataset_inspection.dataset_pictures import (
    CocoPictures,
    LabelledPictures,
    UnlabelledPictures,
    draw_sample,
    read_visible,
)
from cupre_mm.utils.errors import BadDataError

PIPELINE = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs', meta_keys=('img_path',)),
]
VIEWS = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(
        type='mmpretrain.MultiView',
        num_views=2,
        transforms=[[dict(type='mmpretrain.RandomResizedCrop', scale=48)]],
    ),
    dict(type='mmpretrain.PackInputs', meta_keys=('img_path',)),
]


@pytest.fixture(autouse=True)
def scope() -> None:
    init_default_scope('mmdet')


def labelled(folder, pipeline=()):
    return DATASETS.build(
        dict(
            type='cupre_mm.CheckedCocoDataset',
            data_root=str(folder),
            ann_file='annotations/instances.json',
            data_prefix=dict(img='images/'),
            metainfo=dict(classes=('cell',)),
            pipeline=list(pipeline),
        )
    )


def unlabelled(folder, pipeline=()):
    source = dict(name='phase', paths=str(folder))
    return DATASETS.build(
        dict(
            type='cupre_mm.CellImages',
            sources=[source],
            pipeline=list(pipeline),
        )
    )


def test_json_and_data_set_show_the_same_instances(demo_data):
    folder = demo_data / 'cells_labelled'
    ann_file = folder / 'annotations/instances.json'
    by_json = CocoPictures(ann_file, folder / 'images')
    by_dataset = LabelledPictures(labelled(folder), False, seed=0)
    assert len(by_json) == len(by_dataset)
    by_json.choose([1])
    one, other = by_json.draw(1), by_dataset.draw(1)
    assert one.facts == other.facts
    assert one.facts[-1] == f'{len(one.masks)} instances'
    np.testing.assert_array_equal(one.panels[0], other.panels[0])
    assert len(one.masks) == len(other.masks) > 0
    for left, right in zip(one.masks, other.masks):
        np.testing.assert_array_equal(
            mask_codes.decode(left), mask_codes.decode(right)
        )


def test_augmented_sample_has_its_instances_in_its_own_pixels(demo_data):
    dataset = labelled(demo_data / 'cells_labelled', PIPELINE)
    picture = LabelledPictures(dataset, True, seed=0).draw(0)
    assert max(picture.panels[0].shape) == 64
    for mask, box in zip(picture.masks, picture.boxes):
        assert tuple(mask['size']) == picture.panels[0].shape[:2]
        rows, columns = np.nonzero(mask_codes.decode(mask))
        assert abs(columns.min() - box[0]) <= 2
        assert abs(rows.max() + 1 - box[3]) <= 2


def test_augmentation_is_the_same_for_a_seed_and_another_for_others(
    demo_data,
):
    folder = demo_data / 'cells_unlabelled/phase'
    dataset = unlabelled(folder, VIEWS)
    first, again, other = (
        UnlabelledPictures(dataset, True, seed).draw(2).panels
        for seed in (0, 0, 1)
    )
    assert len(first) == 3
    assert first[1].shape == (48, 48, 3)
    for left, right in zip(first, again):
        np.testing.assert_array_equal(left, right)
    assert (first[1] != first[2]).any()
    assert (first[1] != other[1]).any()


def test_source_is_told_and_groups_the_images(demo_data):
    folder = demo_data / 'cells_unlabelled/phase'
    source = UnlabelledPictures(unlabelled(folder), False, 0)
    picture = source.draw(0)
    assert picture.facts[0] == 'phase'
    assert picture.masks is None
    assert picture.boxes is None
    assert set(source.groups) == {'phase'}


def test_dark_16_bit_image_is_stretched_and_says_so(tmp_path):
    image = np.full((20, 20), 1000, np.uint16)
    image[5:15, 5:15] = 1100
    tifffile.imwrite(tmp_path / 'deep.tif', image)
    shown, facts = read_visible(tmp_path / 'deep.tif')
    assert (shown.min(), shown.max()) == (0, 255)
    assert facts == ['20 x 20 uint16', 'stretched']
    Image.fromarray(np.full((9, 9), 30, np.uint8)).save(tmp_path / 'dark.png')
    assert read_visible(tmp_path / 'dark.png')[1][1:] == ['stretched']


def test_well_exposed_image_is_shown_as_it_is(tmp_path):
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(image).save(tmp_path / 'full.png')
    shown, facts = read_visible(tmp_path / 'full.png')
    np.testing.assert_array_equal(shown[..., 0], image)
    assert facts == ['16 x 16 uint8']


def write_coco(folder, segmentation):
    (folder / 'images').mkdir()
    gray = np.full((20, 30), 200, np.uint8)
    Image.fromarray(gray).save(folder / 'images' / 'a.png')
    coco = dict(
        images=[dict(id=1, file_name='a.png', height=20, width=30)],
        annotations=[
            dict(
                id=1, image_id=1, category_id=1, bbox=[2, 3, 10, 5], area=50,
                **segmentation,
            )
        ],
        categories=[dict(id=1, name='cell')],
    )  # fmt: skip
    (folder / 'ann.json').write_text(json.dumps(coco))
    source = CocoPictures(folder / 'ann.json', folder / 'images')
    source.choose([0])
    return source


def test_boxes_stand_in_where_there_are_no_masks(tmp_path):
    picture = write_coco(tmp_path, {}).draw(0)
    assert picture.masks is None
    assert picture.boxes.tolist() == [[2, 3, 12, 8]]


def test_uncompressed_codes_are_read(tmp_path):
    counts = [0, 20, 580]
    code = dict(size=[20, 30], counts=counts)
    picture = write_coco(tmp_path, dict(segmentation=code)).draw(0)
    assert mask_codes.decode(picture.masks[0]).sum() == 20


def test_mask_of_another_size_is_named_with_the_image(tmp_path):
    code = dict(size=[10, 10], counts=[0, 20, 80])
    source = write_coco(tmp_path, dict(segmentation=code))
    with pytest.raises(BadDataError, match=r'a\.png: 1 masks are of another'):
        source.draw(0)


def test_pipeline_that_gives_no_sample_is_said(demo_data):
    dataset = labelled(demo_data / 'cells_labelled')
    dataset.prepare_data = lambda number: None
    with pytest.raises(BadDataError, match='no sample in 20 draws'):
        draw_sample(dataset, 0, 0)
