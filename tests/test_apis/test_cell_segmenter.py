"""The segmenter against mmdet's own inference, and for all kinds of input."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from pycocotools import mask as mask_codes

from cupre_mm.apis import CellSegmenter, SegmentationOptions
from cupre_mm.apis.image_source import ArrayImage
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.plane_selection import PlaneSelection
from tests.component_model import (
    PIPELINE,
    component_segmenter,
    disc_image,
)
from tests.tiny_amt2 import build_model, detector_config, model_config

ALL = SegmentationOptions(score_thr=0.0, min_visible=0.0)


def tiny_config(model, **resize) -> Config:
    pipeline = deepcopy(PIPELINE)
    pipeline[2].pop('scale_factor')
    pipeline[2].update(resize or dict(scale_factor=1.0))
    loader = dict(dataset=dict(pipeline=pipeline))
    return Config(dict(model=model, test_dataloader=loader))


@pytest.fixture(scope='module')
def tiny_model():
    return build_model(detector_config()).eval()


@pytest.fixture
def noise() -> np.ndarray:
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 3000, (12, 15, 3)).astype(np.uint16)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)


def by_mmdet(model, config, path) -> dict:
    """What the config's own pipeline and the model give for a file."""
    init_default_scope('mmdet')
    pipeline = Compose(config.test_dataloader.dataset.pipeline)
    data = pipeline(dict(img_path=str(path), img_id=0))
    with torch.no_grad():
        (sample,) = model.test_step(
            {key: [value] for key, value in data.items()}
        )
    return sample.pred_instances


def test_images_larger_than_the_crops_of_training_have_more_cells(
    tiny_model, noise
):
    config = tiny_config({})
    crop = dict(type='RandomCrop', crop_size=(48, 48))
    config.train_dataloader = dict(dataset=dict(pipeline=[crop]))
    segmenter = CellSegmenter.from_model(tiny_model, config, ALL)
    fixed = SegmentationOptions(
        score_thr=0.0, min_visible=0.0, scale_limits=False
    )
    # The tiny model gives an image ten detections.
    assert len(segmenter.segment(noise, fixed)) <= 10
    assert len(segmenter.segment(noise)) > 10
    assert len(segmenter.segment(noise[:48, :48])) <= 10


@pytest.mark.parametrize(
    'resize',
    [
        dict(scale_factor=1.0),
        dict(scale=(200, 190), keep_ratio=True),
        dict(scale=(1333, 61), keep_ratio=True),
    ],
)
def test_detections_are_those_of_mmdet(tiny_model, noise, tmp_path, resize):
    path = tmp_path / 'image.tif'
    tifffile.imwrite(path, noise, photometric='rgb')
    config = tiny_config({}, **resize)
    expected = by_mmdet(tiny_model, config, path)
    segmenter = CellSegmenter.from_model(tiny_model, config, ALL)
    # Masks before other cells take their share.
    source = ArrayImage(noise)
    data = segmenter._tiles.input.prepare(
        noise,
        segmenter._tiles.input.limits(source),
        segmenter.factor((96, 120), ALL),
    )
    (found,) = segmenter._tiles.detect([data], ALL)
    assert len(found) == len(expected) > 3
    for name in ('bboxes', 'scores', 'labels'):
        torch.testing.assert_close(found[name], expected[name], rtol=0, atol=0)
    np.testing.assert_array_equal(
        mask_codes.decode(list(found.masks))
        if isinstance(found.masks, list)
        else found.masks.numpy(),
        mask_codes.decode(list(expected.masks))
        if isinstance(expected.masks, list)
        else expected.masks.numpy(),
    )
    # And these are what the segmentation is made of.
    cells = segmenter.segment(noise)
    assert cells.shape == (96, 120)
    hidden = cells.counts['covered_by_others']
    assert len(cells) + hidden <= len(expected)
    assert np.isin(cells.scores, expected.scores.numpy()).all()
    (filed,) = segmenter.segment_file(path).values()
    np.testing.assert_array_equal(filed.label_image(), cells.label_image())
    np.testing.assert_array_equal(filed.boxes, cells.boxes)


def test_twice_the_same_bits(tiny_model, noise):
    segmenter = CellSegmenter.from_model(tiny_model, tiny_config({}), ALL)
    options = replace(ALL, tile=64, overlap=16)
    one, other = (segmenter.segment(noise, options) for _ in range(2))
    assert one.num_tiles > 1
    np.testing.assert_array_equal(one.label_image(), other.label_image())
    assert one.scores.tobytes() == other.scores.tobytes()
    assert one.boxes.tobytes() == other.boxes.tobytes()


def test_batches_of_a_network_differ_by_rounding_alone(tiny_model, noise):
    segmenter = CellSegmenter.from_model(tiny_model, tiny_config({}), ALL)
    options = replace(ALL, tile=64, overlap=16)
    one = segmenter.segment(noise, options)
    four = segmenter.segment(noise, replace(options, batch_size=4))
    assert len(one) == len(four)
    np.testing.assert_allclose(one.scores, four.scores, atol=1e-5)
    np.testing.assert_allclose(one.boxes, four.boxes, atol=1e-2)


def test_images_of_one_size_go_through_together(tiny_model, noise):
    segmenter = CellSegmenter.from_model(tiny_model, tiny_config({}), ALL)
    images = [noise, noise[::-1], noise[:, ::-1]]
    sources = [ArrayImage(image) for image in images]
    together = segmenter.segment_together(sources)
    for one, other in zip(together, segmenter.segment_all(images)):
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)
    mixed = [ArrayImage(noise), ArrayImage(noise[:50])]
    assert [one.shape for one in segmenter.segment_together(mixed)] == [
        (96, 120),
        (50, 120),
    ]
    assert segmenter.segment_together([]) == []


def variants() -> dict[str, np.ndarray]:
    gray = disc_image((120, 150), (20, 30))
    rgb = np.stack([gray, gray // 2, gray // 4], axis=-1)
    return {
        'gray.png': gray,
        'gray.bmp': gray,
        'rgb.png': rgb,
        'rgba.png': np.dstack([rgb, np.full_like(gray, 7)]),
        'deep.png': gray.astype(np.uint16) * 150,
        'deep.tif': gray.astype(np.uint16) * 150,
        'wide.tif': gray.astype(np.int32) * 70_000 - 5,
        'float.tif': gray.astype(np.float32) / 300 - 2,
        'half.tif': gray.astype(np.float16),
        'rgb.tif': rgb.astype(np.uint16) * 200,
        'one_bit.tif': gray > 0,
    }


@pytest.mark.parametrize('name', variants())
def test_file_and_array_of_it_have_the_same_cells(tmp_path, name):
    image, path = variants()[name], tmp_path / name
    if name.endswith('.tif'):
        colour = 'rgb' if image.ndim == 3 else 'minisblack'
        tifffile.imwrite(path, image, photometric=colour)
    else:
        Image.fromarray(image).save(path)
    segmenter = component_segmenter()
    expected = segmenter.segment(variants()['gray.png'])
    assert len(expected) == 12
    cells = segmenter.segment(image)
    (filed,) = segmenter.segment_file(path).values()
    np.testing.assert_array_equal(filed.label_image(), cells.label_image())
    np.testing.assert_array_equal(cells.label_image(), expected.label_image())


def test_each_plane_of_a_stack_by_its_suffix(tmp_path):
    path = tmp_path / 'stack.tif'
    planes = np.stack([disc_image((90, 99), (20, 30), i) for i in range(3)])
    tifffile.imwrite(path, planes, metadata={'axes': 'ZYX'}, imagej=True)
    segmenter = component_segmenter()
    found = segmenter.segment_file(path, PlaneSelection(z='split'))
    assert list(found) == ['_z000', '_z001', '_z002']
    for cells, plane in zip(found.values(), planes):
        np.testing.assert_array_equal(
            cells.label_image(), segmenter.segment(plane).label_image()
        )
    with pytest.raises(BadDataError, match=r'3 Z planes'):
        segmenter.segment_file(path)


def test_full_resolution_of_a_pyramid_is_segmented(tmp_path):
    image, path = disc_image((256, 256), (20, 30)), tmp_path / 'pyramid.tif'
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(image, subifds=1, tile=(64, 64))
        tiff.write(image[::2, ::2], subfiletype=1, tile=(64, 64))
    segmenter = component_segmenter()
    (cells,) = segmenter.segment_file(path).values()
    np.testing.assert_array_equal(
        cells.label_image(), segmenter.segment(image).label_image()
    )


@pytest.mark.parametrize('shape', [(1, 1), (1, 1, 3), (1, 700), (3, 2)])
@pytest.mark.parametrize('value', [0, 255])
def test_tiny_and_empty_images_have_no_cells(tiny_model, shape, value):
    image = np.full(shape, value, np.uint8)
    cells = component_segmenter().segment(image)
    assert len(cells) == 0
    assert cells.boxes.shape == (0, 4)
    assert cells.label_image().shape == shape[:2]
    config = tiny_config({}, scale=(400, 100), keep_ratio=True)
    network = CellSegmenter.from_model(tiny_model, config)
    assert network.segment(image).shape == shape[:2]


def test_nan_is_background():
    image = disc_image((120, 150), (20, 30)).astype(np.float32)
    cells = component_segmenter().segment(image)
    image[0], image[-1, 4] = np.nan, np.inf
    again = component_segmenter().segment(image)
    assert len(again) - len(cells) in (0, 1)
    everything = np.full((40, 40), np.nan)
    assert len(component_segmenter().segment(everything)) == 0


def test_cells_that_are_left_out_are_counted():
    image = disc_image((300, 300), (10, 40))
    segmenter = component_segmenter()
    everything = segmenter.segment(image)
    areas = np.array([mask.area for mask in everything.masks])
    middle = int(np.median(areas))
    fewer = segmenter.segment(image, SegmentationOptions(min_area=middle))
    assert fewer.counts['below_min_area'] == (areas < middle).sum() > 0
    assert len(fewer) + fewer.counts['below_min_area'] == len(everything)
    strict = segmenter.segment(image, SegmentationOptions(score_thr=0.97))
    assert strict.counts['below_score_thr'] == len(everything) - len(strict)
    assert 0 < len(strict) < len(everything)


def test_tiles_that_give_all_they_can_are_counted():
    segmenter = component_segmenter(tile=192, overlap=64)
    image = disc_image((300, 300), (10, 20))
    assert segmenter.segment(image).counts['tiles_at_limit'] == 0
    segmenter.model.test_cfg = dict(rcnn=dict(max_per_img=20))
    cells = segmenter.segment(image)
    assert cells.counts['tiles_at_limit'] > 0
    assert any('max_per_img' in text for text in cells.warnings)


def test_bars_show_tiles_and_images_when_they_are_asked_for(capsys):
    segmenter = component_segmenter(tile=192, overlap=64)
    image = disc_image((300, 300), (10, 20))
    segmenter.segment(image)
    assert capsys.readouterr().err == ''
    segmenter.segment(image, progress=True)
    assert '4/4' in capsys.readouterr().err
    list(segmenter.segment_all([image, image], progress=True))
    assert '2/2' in capsys.readouterr().err


def test_diameter_makes_cells_as_large_as_those_of_training():
    segmenter = component_segmenter()
    with pytest.raises(BadConfigError, match='cell_diameter=PX'):
        segmenter.segment(
            np.zeros((9, 9), np.uint8), SegmentationOptions(diameter=12)
        )
    segmenter.config.cell_diameter = 30
    cells = segmenter.segment(
        disc_image((200, 200), (10, 14)), SegmentationOptions(diameter=12)
    )
    assert cells.factor == 2.5
    assert segmenter.model.shapes[-1] == [(500, 500)]


def test_config_of_pre_training_and_its_checkpoint_segment(tmp_path, noise):
    """The contrastive branch is no hindrance, with weights or without."""
    model = build_model(model_config())
    checkpoint = tmp_path / 'amt2.pth'
    meta = dict(dataset_meta=dict(classes=('a', 'b')))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), checkpoint)
    results = []
    for config in (model_config(), detector_config()):
        segmenter = CellSegmenter(
            tiny_config(config), checkpoint, 'cpu', options=ALL
        )
        assert segmenter.classes == ('a', 'b')
        assert not segmenter.model.training
        results.append(segmenter.segment(noise))
    one, other = results
    assert len(one) > 3
    np.testing.assert_array_equal(one.label_image(), other.label_image())


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((3, 5, 64, 64), np.uint8),
        np.zeros((64, 64, 2), np.uint8),
        np.zeros((3, 64, 64), np.uint8),
        np.zeros(64, np.uint8),
        np.zeros((64, 64), complex),
        np.zeros((0, 64), np.uint8),
        np.array([['a', 'b']]),
        None,
    ],
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(BadDataError, match='the image'):
        component_segmenter().segment(image)


def test_model_without_masks_is_refused():
    segmenter = component_segmenter()
    segmenter.model.with_mask = False
    with pytest.raises(BadConfigError, match='predicts no masks'):
        CellSegmenter.from_model(segmenter.model, segmenter.config)
