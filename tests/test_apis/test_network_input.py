import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from cupre_mm.apis.image_source import ArrayImage
from cupre_mm.apis.network_input import NetworkInput
from cupre_mm.utils.errors import BadConfigError, BadDataError
from tests.component_model import PIPELINE


def network_input(*steps, **resize) -> NetworkInput:
    init_default_scope('mmdet')
    first = [dict(type='LoadImageFromFile'), *steps]
    if resize:
        first.append(dict(type='Resize', **resize))
    return NetworkInput(Config(dict(test_pipeline=[*first, PIPELINE[-1]])))


@pytest.mark.parametrize(
    ('resize', 'shape', 'factor'),
    [
        ({}, (500, 600), 1.0),
        (dict(scale_factor=0.5), (500, 600), 0.5),
        (dict(scale_factor=(2.0, 2.0)), (500, 600), 2.0),
        (dict(scale=(1388, 512), keep_ratio=True), (256, 256), 2.0),
        (dict(scale=(1388, 512), keep_ratio=True), (1024, 1024), 0.5),
        (dict(scale=(1388, 512), keep_ratio=True), (9000, 20_000), 0.5),
    ],
)
def test_magnification_is_that_of_the_pipeline(resize, shape, factor):
    assert network_input(**resize).factor(shape) == factor


@pytest.mark.parametrize(
    ('resize', 'word'),
    [
        (dict(scale=(512, 512), keep_ratio=False), 'keep_ratio=True'),
        (dict(scale_factor=(1.0, 2.0)), 'one number'),
    ],
)
def test_stretching_is_refused(resize, word):
    with pytest.raises(BadConfigError, match=word):
        network_input(**resize).factor((100, 100))


@pytest.mark.parametrize('kind', ['RandomResize', 'MultiScaleFlipAug'])
def test_pipelines_without_one_magnification_are_refused(kind):
    with pytest.raises(BadConfigError, match=kind):
        network_input(dict(type=kind))


def test_config_without_pipeline_is_refused():
    with pytest.raises(BadConfigError, match='no test_dataloader'):
        NetworkInput(Config(dict(model=dict())))


def test_colours_go_in_as_blue_green_red():
    image = np.zeros((4, 5, 3), np.uint8)
    image[..., 0] = 9
    made = network_input().prepare(image, None, 2.0)
    assert made['inputs'].shape == (3, 8, 10)
    assert made['inputs'].amax(dim=(1, 2)).tolist() == [0, 0, 9]
    sample = made['data_samples']
    assert sample.ori_shape == (4, 5)
    assert sample.img_shape == (8, 10)


def test_deep_images_need_a_normalisation():
    image = np.full((4, 5), 3000, np.uint16)
    image[0] = 9
    with pytest.raises(BadDataError, match=r'PercentileNormalize'):
        network_input().prepare(image, None, 1.0)
    normalised = network_input(dict(type='cupre_mm.PercentileNormalize'))
    limits = normalised.limits(ArrayImage(image))
    made = normalised.prepare(image, limits, 1.0)
    assert made['inputs'].unique().tolist() == [0, 255]
