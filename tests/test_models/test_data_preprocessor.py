import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.registry import init_default_scope

from cupre_mm.models import AMT2DataPreprocessor
from tests.tiny_amt2 import model_config, random_views


@pytest.fixture
def preprocessor() -> AMT2DataPreprocessor:
    init_default_scope('mmdet')
    config = model_config()['data_preprocessor']
    config.pop('type')
    config['moco'].update(mean=[10, 20, 30], std=[1, 2, 4])
    config['det'].update(mean=[0, 0, 0], std=[1, 1, 1], pad_mask=False)
    return AMT2DataPreprocessor(**config)


@pytest.fixture
def views() -> dict:
    return dict(inputs=random_views(0), data_samples=[])


@pytest.fixture
def images() -> dict:
    sample = DetDataSample(metainfo=dict(img_shape=(40, 50)))
    return dict(
        inputs=[torch.randint(0, 256, (3, 40, 50), dtype=torch.uint8)],
        data_samples=[sample],
    )


def check_views(done: torch.Tensor, raw: torch.Tensor) -> None:
    means = torch.tensor([10, 20, 30]).view(3, 1, 1)
    stds = torch.tensor([1, 2, 4]).view(3, 1, 1)
    torch.testing.assert_close(done, (raw.flip(1) - means) / stds)


def check_images(done: torch.Tensor, raw: torch.Tensor) -> None:
    assert done.shape == (1, 3, 64, 64)  # padded to a multiple of 32
    assert done[0, :, :40, :50].equal(raw.flip(0).float())


def test_views_take_the_contrastive_way(preprocessor, views):
    done = preprocessor({**views, 'task': 'moco'}, training=True)
    assert done['task'] == 'moco'
    for ours, raw in zip(done['inputs'], views['inputs']):
        check_views(ours, raw)


def test_images_take_the_detection_way(preprocessor, images):
    done = preprocessor({**images, 'task': 'det'}, training=True)
    assert done['task'] == 'det'
    check_images(done['inputs'], images['inputs'][0])


def test_without_a_task_data_is_for_detection(preprocessor, images):
    done = preprocessor(images)
    assert set(done) == {'inputs', 'data_samples'}
    check_images(done['inputs'], images['inputs'][0])


def test_joint_step_goes_both_ways(preprocessor, views, images):
    done = preprocessor({'moco': views, 'det': images, 'task': 'moco+det'})
    assert done['task'] == 'moco+det'
    check_views(done['inputs']['moco'][0], views['inputs'][0])
    check_images(done['inputs']['det'], images['inputs'][0])
    assert set(done['data_samples']) == {'moco', 'det'}


def test_the_callers_data_is_left_alone(preprocessor, images):
    data = {**images, 'task': 'det'}
    preprocessor(data)
    assert data['task'] == 'det'
    assert data['inputs'][0].dtype == torch.uint8


def test_both_parts_move_to_a_device_together(preprocessor):
    preprocessor.to('meta')
    devices = {part.device.type for part in preprocessor.tasks.values()}
    assert devices == {'meta'}


def test_divisor_is_that_of_the_detector(preprocessor):
    assert preprocessor.pad_size_divisor == 32
