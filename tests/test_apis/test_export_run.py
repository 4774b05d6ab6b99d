import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config

from cupre_mm.apis.export_run import export_model
from cupre_mm.apis.exported_model import ExportedModel
from cupre_mm.apis.model_export import _batch
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from tests.tiny_amt2 import build_model, detector_config

WITHOUT_MMDET = """
import sys
for name in ('mmdet', 'mmcv', 'mmengine', 'mmpretrain', 'cupre_mm'):
    sys.modules[name] = None
sys.path.insert(0, '.')
import numpy as np
from exported_model import ExportedModel
image = np.load('image.npy')
np.save('labels.npy', ExportedModel('.').label_image(image, 0.0))
"""


def config_of(model, *steps, resize=None):
    return Config(
        dict(
            default_scope='mmdet',
            model=model,
            train_dataloader=dict(
                dataset=dict(data_root='data/livecell/', ann_file='train.json')
            ),
            test_dataloader=dict(
                dataset=dict(
                    type='CocoDataset',
                    pipeline=[
                        dict(type='LoadImageFromFile'),
                        *steps,
                        resize
                        or dict(
                            type='Resize', scale_factor=1.0, keep_ratio=True
                        ),
                        dict(type='PackDetInputs'),
                    ],
                )
            ),
        )
    )


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Scores of random weights lie so close that rounding reorders them."""
    folder = tmp_path_factory.mktemp('trained')
    model = build_model(detector_config())
    for head in model.roi_head.bbox_head:
        torch.nn.init.normal_(head.fc_cls.weight, std=2.0)
    model.rpn_head.rpn_cls.weight.data.mul_(200)
    torch.save(
        dict(
            state_dict=model.state_dict(),
            meta=dict(dataset_meta=dict(classes=('a', 'b'))),
        ),
        folder / 'weights.pth',
    )
    return model.eval(), folder / 'weights.pth'


@pytest.fixture(scope='module')
def exported(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp('exported')
    config = config_of(detector_config())
    files, difference = export_model(config, trained[1], out)
    return out, files, difference


@pytest.fixture
def image():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (90, 70, 3), dtype=np.uint8)


def test_folder_has_model_loader_and_card(exported):
    out, files, difference = exported
    names = {file.name for file in files}
    assert names == {'model.pt', 'exported_model.py', 'model_card.md'}
    assert names == {file.name for file in out.iterdir()}
    assert difference.detections == 40
    card = (out / 'model_card.md').read_text()
    assert 'NON-COMMERCIAL' in card
    assert 'CascadeRCNN' in card


def test_loaded_model_gives_the_masks_of_mmdet(trained, exported, image):
    model, _ = trained
    planes = torch.from_numpy(image.copy()).permute(2, 0, 1)
    with torch.inference_mode():
        sample = model.test_step(_batch(planes))[0]
    expected = sample.pred_instances
    found = ExportedModel(exported[0]).detect(image, 0.0)
    assert len(found.scores) == len(expected) == 10
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    np.testing.assert_allclose(found.boxes, expected.bboxes, atol=1e-2)
    different = 0
    for (top, left, mask), dense in zip(found.masks, expected.masks.numpy()):
        whole = np.zeros(dense.shape, bool)
        height, width = mask.shape
        whole[top : top + height, left : left + width] = mask
        different += (whole != dense).sum()
    assert expected.masks.any()
    assert different <= 4


def test_it_runs_where_mmdet_is_not(exported, image):
    out, *_ = exported
    np.save(out / 'image.npy', image)
    subprocess.run(
        [sys.executable, '-c', WITHOUT_MMDET], cwd=out, check=True, timeout=60
    )
    labels = np.load(out / 'labels.npy')
    assert labels.shape == (90, 70)
    assert labels.dtype == np.int32
    assert labels.any()
    expected = ExportedModel(out).label_image(image, 0.0)
    assert np.array_equal(labels, expected)


def test_percentiles_and_resizing_of_the_config_are_followed(
    trained, tmp_path, image
):
    config = config_of(
        detector_config(),
        dict(type='cupre_mm.PercentileNormalize', low=2.0, high=99.0),
        resize=dict(type='Resize', scale=(180, 140), keep_ratio=True),
    )
    export_model(config, trained[1], tmp_path)
    model = ExportedModel(tmp_path)
    assert model.settings['percentiles'] == [2.0, 99.0]
    assert model._factor(90, 70) == 2.0
    bright = image.astype(np.uint16) * 100
    one, other = (model.detect(i, 0.0) for i in (bright, bright / 7.0))
    np.testing.assert_allclose(one.boxes, other.boxes, atol=0.5)
    assert one.boxes.max() <= 90


def test_loader_refuses_what_is_no_image(exported):
    model = ExportedModel(exported[0])
    with pytest.raises(ValueError, match='not \\(4, 4, 2\\)'):
        model.detect(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(ValueError, match='uint8'):
        model.detect(np.zeros((4, 4), np.float32))


def test_loader_refuses_what_is_no_model(tmp_path):
    with pytest.raises(FileNotFoundError, match='no exported model'):
        ExportedModel(tmp_path)
    (tmp_path / 'model.pt').write_bytes(b'text')
    with pytest.raises(ValueError, match='export_model'):
        ExportedModel(tmp_path)


def test_nothing_is_written_where_the_export_fails(trained, tmp_path):
    config = config_of(detector_config())
    config.model.test_cfg.rcnn.nms = dict(type='soft_nms', iou_threshold=0.5)
    with pytest.raises(BadConfigError, match='nms'):
        export_model(config, trained[1], tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_missing_report_is_told_before_anything_is_done(tmp_path):
    config = config_of(detector_config())
    with pytest.raises(MissingDataError, match=r'none\.json'):
        export_model(
            config,
            tmp_path / 'none.pth',
            tmp_path / 'out',
            report=tmp_path / 'none.json',
        )
