import pytest
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapperDict, build_optim_wrapper

from tests.tiny_amt2 import SGD, TWO_SGD, build_model


def test_every_step_has_an_optimizer_of_all_parameters():
    model = build_model()
    built = build_optim_wrapper(model, TWO_SGD)
    assert isinstance(built, OptimWrapperDict)
    assert list(built.keys()) == ['moco', 'det']
    everything = {id(one) for one in model.parameters()}
    for wrapper in built.values():
        groups = wrapper.optimizer.param_groups
        assert {id(p) for g in groups for p in g['params']} == everything
    one, other = (wrapper.optimizer for wrapper in built.values())
    assert one is not other


def test_steps_may_have_different_optimizers():
    adam = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.5))
    config = ConfigDict({**TWO_SGD, 'moco': adam, 'moco+det': SGD})
    built = build_optim_wrapper(build_model(), config)
    names = {k: type(w.optimizer).__name__ for k, w in built.items()}
    assert names == {'moco': 'AdamW', 'det': 'SGD', 'moco+det': 'SGD'}
    assert built['moco'].get_lr()['lr'][0] == 0.5


def test_common_parameter_options_reach_every_step_without_its_own():
    config = {
        **TWO_SGD,
        'paramwise_cfg': dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
        'det': {**SGD, 'paramwise_cfg': dict(norm_decay_mult=0.0)},
    }
    built = build_optim_wrapper(build_model(), config)
    rates = {
        step: sorted({group['lr'] for group in wrapper.optimizer.param_groups})
        for step, wrapper in built.items()
    }
    assert rates['moco'] == pytest.approx([0.001, 0.01])
    assert rates['det'] == [0.01]
    decays = {g['weight_decay'] for g in built['det'].optimizer.param_groups}
    assert decays == {0.0, 0.01}


@pytest.mark.parametrize('entry', ['seg', 'type', 'moco+seg'])
def test_entry_that_is_no_step_is_refused(entry):
    with pytest.raises(ValueError, match='entry') as caught:
        build_optim_wrapper(build_model(), {**TWO_SGD, entry: SGD})
    assert repr(entry) in str(caught.value)
