import pickle

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.structures import InstanceData
from torch import nn

from cupre_mm.engine.hooks import InvalidLossHook
from cupre_mm.utils.cropped_bitmap_masks import CroppedBitmapMasks
from cupre_mm.utils.errors import (
    BadCheckpointError,
    BadConfigError,
    BadDataError,
    InvalidLossError,
    MissingDataError,
)
from cupre_mm.utils.invalid_loss_dump import (
    read_dump,
    replay_dump,
    write_dump,
)
from tests.invalid_loss_runs import toy_run


class Malicious:
    def __reduce__(self):
        return print, ('code of a stranger ran',)


def test_absent_dump_is_told(tmp_path):
    with pytest.raises(MissingDataError, match='absent'):
        read_dump(tmp_path / 'absent.pth')


@pytest.mark.parametrize('content', [b'', b'no dump at all', b'PK\x03\x04'])
def test_file_of_another_kind_is_told(tmp_path, content):
    path = tmp_path / 'other.pth'
    path.write_bytes(content)
    with pytest.raises((BadDataError, BadCheckpointError), match=r'other\.p'):
        read_dump(path)


def test_checkpoint_is_no_dump(tmp_path):
    torch.save({'state_dict': {}}, tmp_path / 'iter_1.pth')
    with pytest.raises(BadDataError, match='InvalidLossHook wrote'):
        read_dump(tmp_path / 'iter_1.pth')


@pytest.mark.parametrize('save', ['torch', 'pickle'])
def test_dump_that_would_run_code_is_refused(tmp_path, capsys, save):
    path = tmp_path / 'stranger.pth'
    if save == 'torch':
        torch.save({'kwargs': Malicious()}, path)
    else:
        path.write_bytes(pickle.dumps(Malicious(), protocol=2))
    with pytest.raises(BadCheckpointError, match=r'print'):
        read_dump(path)
    assert 'code of a stranger' not in capsys.readouterr().out


def test_built_model_has_to_be_given(tmp_path):
    hook = InvalidLossHook(max_in_a_row=1)
    runner = toy_run(tmp_path, [hook], invalid=[0])
    with pytest.raises(InvalidLossError):
        runner.train()
    (path,) = tmp_path.glob('invalid_loss*.pth')
    with pytest.raises(BadConfigError, match='replay_dump'):
        replay_dump(path)


def test_every_kind_of_masks_comes_back(tmp_path):
    pixels = np.zeros((1, 6, 8), np.uint8)
    pixels[0, 2:4, 3:6] = 1
    kinds = [
        BitmapMasks(pixels, 6, 8),
        CroppedBitmapMasks.from_dense(pixels, 6, 8),
        PolygonMasks([[np.array([3.0, 2, 6, 2, 6, 4])]], 6, 8),
    ]
    path = tmp_path / 'dump.pth'
    samples = [
        DetDataSample(gt_instances=InstanceData(masks=masks))
        for masks in kinds
    ]
    step = {'kwargs': {'data_samples': samples}}
    write_dump(path, nn.Linear(1, 1), None, step)
    found = read_dump(path)['kwargs']['data_samples']
    for sample, masks in zip(found, kinds):
        back = sample.gt_instances.masks
        assert type(back) is type(masks)
        np.testing.assert_array_equal(back.to_ndarray(), masks.to_ndarray())
