"""Refuses config values that Python itself would trip over."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cupre_mm.utils.errors import BadConfigError, UserError


@contextmanager
def config_values(owner: str, **values: Any) -> Iterator[None]:
    """Turn what a wrong type or size of a value raises into an error to read.

    For the lines that look at what a config gives, no others: an error of
    the program would be called the user's.

    Args:
        owner (str): What the values are for, such as a class.
        **values (Any): The values by their names in the config.

    Raises:
        BadConfigError: If the lines raise what a bad value causes.
    """
    try:
        yield
    except UserError:
        raise
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        given = ', '.join(
            f'{name}={value!r}' for name, value in values.items()
        )
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise BadConfigError(
            f'{owner}({given}) cannot be used: {reason}; its documentation '
            'says which values it takes'
        ) from error
