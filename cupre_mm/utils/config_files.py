"""What goes wrong in configs and in ``--cfg-options``, in one line."""

import argparse
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.config.utils import ConfigParsingError

from cupre_mm.utils.errors import BadConfigError, UserError

# The file that mmengine says the code of a config is of.
_CODE_OF_CONFIG = ''
# Brackets of one value; no setting has more than a few.
_MOST_BRACKETS = 100


@contextmanager
def config_errors(path: str | Path) -> Iterator[None]:
    """Say in one line what a config file raises while it is read.

    Args:
        path (str | Path): The file.

    Raises:
        BadConfigError: If it cannot be read, or its code does not run
            through.
    """
    try:
        yield
    except UserError:
        raise
    except (ConfigParsingError, SyntaxError, OSError) as error:
        raise BadConfigError(f'{path}: {error}') from error
    # A Python config runs code, which may raise anything.
    except Exception as error:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename in (_CODE_OF_CONFIG, str(path))
        ]
        where = f', line {lines[-1]}' if lines else ''
        raise BadConfigError(
            f'{path}{where}: {type(error).__name__}: {error}'
        ) from error


class OptionsAction(DictAction):
    """mmengine's ``DictAction``, which says what it cannot read."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add key=value pairs to what the options gave so far.

        Args:
            parser (ArgumentParser): The parser; its ``error`` is called for
                a pair that cannot be read.
            namespace (Namespace): What was parsed, changed in place.
            values (Sequence[str]): The pairs.
            option_string (str, optional): The flag. Defaults to None.
        """
        for pair in values or ():
            try:
                if sum(map(pair.count, '([')) > _MOST_BRACKETS:
                    raise ValueError(f'more than {_MOST_BRACKETS} brackets')
                super().__call__(parser, namespace, [pair], option_string)
            except (AssertionError, RecursionError, ValueError) as error:
                parser.error(
                    f'argument {option_string}: {pair[:200]!r} is not '
                    'key=value with whole brackets '
                    f'({" ".join(str(error).split())[:200]})'
                )


def merge_options(config: Config, options: Mapping[str, Any]) -> None:
    """Change values of a config.

    Args:
        config (Config): The config, changed in place.
        options (Mapping[str, Any]): New values by dotted keys, of
            :class:`OptionsAction`.

    Raises:
        BadConfigError: If a key leads nowhere.
    """
    for key in options:
        first = key.split('.')[0]
        if not all(key.split('.')) or not first.isidentifier():
            raise BadConfigError(
                f'--cfg-options has the key {key!r}: write names parted by '
                'single dots, as in model.backbone.depth=50'
            )
    try:
        config.merge_from_dict(dict(options))
    except (
        AttributeError,
        KeyError,
        TypeError,
        IndexError,
        ValueError,
    ) as error:
        raise BadConfigError(
            f'--cfg-options {dict(options)}: {error}'
        ) from error
