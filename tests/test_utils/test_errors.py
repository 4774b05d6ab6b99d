"""Errors of the user: catchable by both names, safe to raise again."""

import pytest
from mmengine.registry import Registry
from torch._utils import ExceptionWrapper

from cupre_mm.utils import errors
from cupre_mm.utils.cli import message_of
from cupre_mm.utils.errors import UserError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, UserError)
    and kind is not UserError
]


BUILT_IN = (ValueError, TypeError, OSError, FloatingPointError)


@pytest.mark.parametrize('kind', KINDS)
def test_is_a_built_in_error_and_keeps_its_message(kind):
    assert issubclass(kind, BUILT_IN)
    error = kind('what to do')
    assert str(error) == 'what to do'
    assert str(type(error)(f'class `X` in x.py: {error}')).endswith('to do')


@pytest.mark.parametrize('kind', KINDS)
def test_comes_through_a_registry(kind):
    registry = Registry('part', scope='test')

    @registry.register_module()
    class Part:
        def __init__(self) -> None:
            raise kind('what to do')

    with pytest.raises(kind) as caught:
        registry.build({'type': 'Part'})
    assert message_of(caught.value) == 'what to do'


@pytest.mark.parametrize('kind', KINDS)
def test_comes_through_a_data_loader_worker(kind):
    try:
        raise kind('file a.png: what\nto do')
    except kind:
        wrapped = ExceptionWrapper(where='in DataLoader worker process 0')
    with pytest.raises(kind) as caught:
        wrapped.reraise()
    assert 'Traceback' in str(caught.value)
    assert message_of(caught.value) == 'file a.png: what\nto do'
