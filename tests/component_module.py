"""The stand-in for a trained detector as a module of torch."""

from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from cupre_mm.apis import CellSegmenter
from tests.component_model import PIPELINE, ComponentModel


class ComponentModule(nn.Module):
    """Finds bright spots, and can be watched as any module can.

    Attributes:
        failure (Exception, optional): Raised in place of a result.
    """

    with_mask = True
    dataset_meta = ComponentModel.dataset_meta

    def __init__(self) -> None:
        super().__init__()
        self.test_cfg: dict = {}
        self.failure: Exception | None = None
        self._spots = ComponentModel()

    def forward(self, data: dict) -> list:
        if self.failure is not None:
            raise self.failure
        return self._spots.test_step(data)

    def test_step(self, data: dict) -> Any:
        return self(data)


def module_segmenter() -> CellSegmenter:
    """A segmenter with this model."""
    init_default_scope('mmdet')
    config = Config(dict(test_pipeline=PIPELINE))
    return CellSegmenter.from_model(ComponentModule(), config)
