import pytest

from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError, MissingDataError


@pytest.mark.parametrize(
    'error',
    [
        TypeError("'<' not supported"),
        ValueError('two\nlines'),
        OverflowError('int too large'),
        AssertionError(),
        KeyError('a'),
        AttributeError('no items'),
        ZeroDivisionError('by zero'),
    ],
)
def test_errors_of_bad_values_name_owner_and_values(error: Exception):
    with (
        pytest.raises(BadConfigError, match="low='a', high=2") as it,
        config_values('Owner', low='a', high=2),
    ):
        raise error
    assert '\n' not in str(it.value)
    assert it.value.__cause__ is error


def test_other_errors_pass_unchanged():
    for error in (MissingDataError('gone'), RuntimeError('ours'), OSError()):
        with pytest.raises(type(error)) as it, config_values('Owner'):
            raise error
        assert it.value is error
