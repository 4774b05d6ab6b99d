import pytest
import torch
from torch import Tensor

from cupre_mm.models import MoCoNeck
from cupre_mm.utils.errors import BadConfigError

CHANNELS = (4, 6, 8)


@pytest.fixture
def features() -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    return tuple(
        torch.randn(2, channels, size, size)
        for channels, size in zip(CHANNELS, (8, 4, 2))
    )


def mlp(in_channels: int) -> dict:
    return dict(
        type='mmpretrain.MoCoV2Neck',
        in_channels=in_channels,
        hid_channels=5,
        out_channels=3,
    )


def test_last_stage_goes_through_the_mlp_of_v2(features):
    neck = MoCoNeck(mlp(8))
    first, _, second = neck.projector.mlp
    pooled = features[-1].mean(dim=(2, 3))
    torch.testing.assert_close(
        neck(features), second(first(pooled).clamp(min=0))
    )


def test_linear_projection_of_v1(features):
    projector = dict(
        type='mmpretrain.LinearNeck',
        in_channels=8,
        out_channels=3,
        gap_dim=2,
        norm_cfg=None,
    )
    neck = MoCoNeck(projector)
    pooled = features[-1].mean(dim=(2, 3))
    torch.testing.assert_close(neck(features), neck.projector.fc(pooled))
    assert len(list(neck.parameters())) == 2


def test_several_stages_are_pooled_and_joined_in_their_order(features):
    neck = MoCoNeck(mlp(4 + 8), stages=[2, 0])
    pooled = [features[i].mean(dim=(2, 3)) for i in (2, 0)]
    expected = neck.projector.mlp(torch.cat(pooled, dim=1))
    torch.testing.assert_close(neck(features), expected)


def test_no_stage_is_refused():
    with pytest.raises(ValueError, match='stages is empty'):
        MoCoNeck(mlp(8), stages=())


@pytest.mark.parametrize(('stages', 'total'), [((-1, -1), 16), ((0,), 4)])
def test_projector_for_other_stages_is_refused(features, stages, total):
    neck = MoCoNeck(mlp(8), stages=stages)
    with pytest.raises(
        BadConfigError, match=f'in_channels=8: set it to {total}'
    ):
        neck(features)
