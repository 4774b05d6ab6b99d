import pytest
import torch
from torch import nn

from cupre_mm.utils.errors import BadCheckpointError
from cupre_mm.utils.load_report import LoadReport, compare_weights
from tests.tiny_amt2 import build_model, reference_moco


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Linear(2, 3)
        self.neck = nn.Linear(3, 1)


def test_tells_apart_what_becomes_of_each_weight():
    given = {
        'backbone.weight': torch.zeros(3, 2),
        'backbone.bias': torch.zeros(4),
        'neck.weight': torch.zeros(1, 3),
        'head.weight': torch.zeros(1),
    }
    assert compare_weights(Detector(), given) == LoadReport(
        loaded=('backbone.weight', 'neck.weight'),
        mismatched=('backbone.bias',),
        missing=('neck.bias',),
        unexpected=('head.weight',),
    )


def test_foretells_what_torch_does():
    model = Detector()
    given = {'backbone.weight': torch.zeros(3, 2), 'extra': torch.zeros(1)}
    report = compare_weights(model, given)
    result = model.load_state_dict(given, strict=False)
    assert report.missing == tuple(result.missing_keys)
    assert report.unexpected == tuple(result.unexpected_keys)


def test_moco_checkpoint_is_compared_by_its_new_names():
    report = compare_weights(build_model(), reference_moco().state_dict())
    assert not report.unexpected
    assert not report.mismatched
    modules = {name.split('.')[0] for name in report.loaded}
    assert modules == {'backbone', 'moco'}
    missing = {name.split('.')[0] for name in report.missing}
    assert missing == {'neck', 'rpn_head', 'roi_head'}


def test_comparing_changes_nothing():
    state = reference_moco().state_dict()
    names = list(state)
    compare_weights(build_model(), state)
    assert list(state) == names


def test_text_counts_by_module_and_shortens_long_lists():
    report = LoadReport(
        loaded=('backbone.a', 'backbone.b', 'neck.a'),
        mismatched=(),
        missing=tuple(f'head.{i}' for i in range(11)),
        unexpected=(),
    )
    lines = [line.strip() for line in str(report).splitlines()]
    assert lines[0] == 'loaded: 3 (backbone 2, neck 1)'
    assert lines[1] == 'mismatched: 0'
    assert lines[2].startswith('missing: 11 (head 11): head.0, head.1')
    assert lines[2].endswith('head.7, and 3 more')


def test_one_backbone_weight_is_enough():
    LoadReport(('backbone.a',), (), ('backbone.b',), ()).check_backbone('x')


def test_no_backbone_weight_is_an_error_that_shows_what_there_was():
    report = LoadReport(
        ('neck.a',), ('backbone.a',), (), ('encoder.a', 'decoder.b')
    )
    with pytest.raises(BadCheckpointError) as caught:
        report.check_backbone('some.pth')
    message = str(caught.value)
    assert message.startswith('some.pth has no weight')
    assert "['decoder', 'encoder']" in message
    assert '1 names fit' in message
