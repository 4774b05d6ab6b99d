import pytest
import torch

from cupre_mm.utils.errors import BadCheckpointError, MissingDataError
from cupre_mm.utils.own_labels.starting_point import inspect_start

MINI = {'backbone.layer2.0.conv2.weight': torch.zeros(128, 128, 3, 3)}
FULL = {
    'backbone.layer2.0.conv2.weight': torch.zeros(128, 128, 3, 3),
    'backbone.layer2.0.conv3.weight': torch.zeros(512, 128, 1, 1),
}
HEAD = 'roi_head.bbox_head.0.fc_cls.weight'


def _kind(folder, state):
    path = folder / 'x.pth'
    torch.save({'state_dict': state, 'meta': {}}, path)
    return inspect_start(path)


def test_none_is_said_to_be_scratch():
    start = inspect_start(None)
    assert (start.path, start.size) == (None, None)
    assert 'scratch' in start.kind


def test_amt2_checkpoint_is_told_by_its_branch(tmp_path):
    start = _kind(tmp_path, {**MINI, 'moco.queue.keys': torch.zeros(2)})
    assert start.kind.startswith('AMT2')
    assert start.size == 'mini'


def test_coco_detector_of_the_full_size(tmp_path):
    start = _kind(tmp_path, {**FULL, HEAD: torch.zeros(81, 4)})
    assert start.kind.startswith('a detector of 80 classes')
    assert start.size == 'full'


def test_detector_of_an_earlier_round(tmp_path):
    start = _kind(tmp_path, {**MINI, HEAD: torch.zeros(2, 4)})
    assert start.kind == 'a detector of 1 class'


def test_backbone_alone(tmp_path):
    assert 'backbone' in _kind(tmp_path, FULL).kind


def test_other_networks_are_refused(tmp_path):
    with pytest.raises(BadCheckpointError, match='no checkpoint'):
        _kind(tmp_path, {'conv.weight': torch.zeros(1)})


def test_missing_file(tmp_path):
    with pytest.raises(MissingDataError):
        inspect_start(tmp_path / 'none.pth')
