import pytest

from cupre_mm.apis.detection_limits import changed_limits, most_detections
from tests.tiny_amt2 import build_model, detector_config


def test_limits_change_inside_and_come_back():
    model = build_model(detector_config())
    assert most_detections(model) == 10

    def limits():
        return (
            model.rpn_head.test_cfg.nms_pre,
            model.rpn_head.test_cfg.max_per_img,
            model.roi_head.test_cfg.max_per_img,
        )

    before = limits()
    with changed_limits(model, 77):
        assert limits() == (77, 77, 77)
    assert limits() == before
    with pytest.raises(RuntimeError), changed_limits(model, 77):
        raise RuntimeError
    assert limits() == before


def test_model_without_limit():
    model = build_model(detector_config())
    model.test_cfg.rcnn.max_per_img = -1
    assert most_detections(model) is None
