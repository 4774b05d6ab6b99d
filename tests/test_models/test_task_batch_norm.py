import pytest
import torch
from torch import Tensor, nn

from cupre_mm.models import TaskBatchNorm
from cupre_mm.utils.errors import BadConfigError


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))

    def forward(self, images: Tensor) -> Tensor:
        return self.block(self.norm(self.conv(images)))


@pytest.fixture
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder()


def images(mean: float) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return mean + torch.randn(4, 3, 6, 6, generator=generator)


def test_statistics_are_those_of_two_encoders_of_one_domain_each(encoder):
    alone = {}
    for domain, mean in (('cells', 5.0), ('photographs', -5.0)):
        torch.manual_seed(0)
        alone[domain] = Encoder()
        for _ in range(3):
            alone[domain](images(mean))
    own = TaskBatchNorm(encoder)
    for _ in range(3):
        with own.put_into(encoder):
            encoder(images(5.0))
        encoder(images(-5.0))
    for name in ('running_mean', 'running_var', 'num_batches_tracked'):
        expected = getattr(alone['photographs'].norm, name)
        torch.testing.assert_close(getattr(encoder.norm, name), expected)
        expected = getattr(alone['cells'].norm, name)
        torch.testing.assert_close(getattr(own.layers.norm, name), expected)
    assert not encoder.norm.running_mean.allclose(own.layers.norm.running_mean)


def test_evaluation_uses_the_tasks_statistics(encoder):
    own = TaskBatchNorm(encoder)
    for _ in range(40):
        with own.put_into(encoder):
            encoder(images(5.0))
        encoder(images(-5.0))
    encoder.eval()
    own.eval()
    with own.put_into(encoder):
        cells = encoder.norm(encoder.conv(images(5.0)))
    other = encoder.norm(encoder.conv(images(5.0)))
    assert cells.mean().abs() < 0.1
    assert other.mean().abs() > 1


@pytest.mark.parametrize('affine', [False, True])
def test_names_of_the_encoder_stay(encoder, affine):
    before = set(encoder.state_dict())
    parameters = {n: id(p) for n, p in encoder.named_parameters()}
    own = TaskBatchNorm(encoder, affine=affine)
    with own.put_into(encoder):
        inside = {n: id(p) for n, p in encoder.named_parameters()}
    assert set(encoder.state_dict()) == before
    assert {n: id(p) for n, p in encoder.named_parameters()} == parameters
    # Convolutions are shared; batch norm is exchanged with affine alone.
    swapped = {n for n in parameters if inside[n] != parameters[n]}
    expected = {
        f'{layer}.{name}'
        for layer in ('norm', 'block.1')
        for name in ('weight', 'bias')
    }
    assert swapped == (expected if affine else set())
    assert len(list(own.parameters())) == (4 if affine else 0)


def test_first_use_starts_from_weights_loaded_after_construction(encoder):
    own = TaskBatchNorm(encoder, affine=True)
    with torch.no_grad():
        encoder.norm.weight.fill_(3)
        encoder.norm.running_var.fill_(7)
    with own.put_into(encoder):
        assert encoder.norm.weight.eq(3).all()
        assert encoder.norm.running_var.eq(7).all()
        encoder.norm.running_var.fill_(9)
    with own.put_into(encoder):
        assert encoder.norm.running_var.eq(9).all()
    assert encoder.norm.running_var.eq(7).all()


def test_values_are_put_back_after_an_error(encoder):
    own = TaskBatchNorm(encoder)
    mean = encoder.norm.running_mean
    with pytest.raises(ZeroDivisionError), own.put_into(encoder):
        1 / int(encoder.norm.running_mean is mean)
    assert encoder.norm.running_mean is mean


def test_state_goes_on_after_saving_and_loading(encoder):
    own = TaskBatchNorm(encoder, affine=True)
    with own.put_into(encoder):
        encoder(images(5.0))
    again = TaskBatchNorm(encoder, affine=True)
    again.load_state_dict(own.state_dict())
    with again.put_into(encoder):
        assert encoder.norm.running_mean.equal(own.layers.norm.running_mean)


def test_scale_and_shift_of_its_own_get_the_gradient(encoder):
    own = TaskBatchNorm(encoder, affine=True)
    with own.put_into(encoder):
        loss = encoder(images(5.0)).square().sum()
    loss.backward()
    assert encoder.norm.weight.grad is None
    assert own.layers.norm.weight.grad is not None
    assert encoder.conv.weight.grad is not None


def test_converted_batch_norm_is_found(encoder):
    holder = nn.ModuleDict(
        dict(encoder=encoder, own=TaskBatchNorm(encoder, affine=True))
    )
    holder = nn.SyncBatchNorm.convert_sync_batchnorm(holder)
    assert isinstance(holder['own'].layers.norm, nn.SyncBatchNorm)
    mean = holder['encoder'].norm.running_mean
    with holder['own'].put_into(holder['encoder']):
        assert holder['encoder'].norm.running_mean is not mean
    assert holder['encoder'].norm.running_mean is mean


def test_encoder_without_batch_norm_is_told():
    with pytest.raises(BadConfigError, match='no batch norm'):
        TaskBatchNorm(nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4)))


def test_frozen_batch_norm_is_told(encoder):
    own = TaskBatchNorm(encoder)
    encoder.eval()
    with pytest.raises(BadConfigError, match='norm_eval'):
        own.put_into(encoder).__enter__()


def test_repeated_forward_passes_are_refused(encoder):
    encoder.block.with_cp = True
    with pytest.raises(BadConfigError, match='with_cp'):
        TaskBatchNorm(encoder)
