"""What is fuzzed: where a case comes from, and what is done with it."""

import io
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from hypothesis import strategies as st

from cupre_mm.utils.errors import UserError

_PACKAGE = 'cupre_mm'


@dataclass(frozen=True)
class Target:
    """One way into the project.

    Attributes:
        name: What the runner calls it.
        suffix: Of the files that cases are saved as.
        cases: Strategy that makes the bytes of one input.
        run: Feeds an input; gets its bytes and a folder to write into,
            which is the same for all cases of a process.
    """

    name: str
    suffix: str
    cases: st.SearchStrategy[bytes]
    run: Callable[[bytes, Path], Any]


class HungryInputError(AssertionError):
    """An input that makes the project ask for more memory than there is."""


def attempt(target: Target, data: bytes, folder: Path) -> UserError | None:
    """Run one case.

    Args:
        target: The target.
        data: The case.
        folder: Where it may write.

    Returns:
        The documented error that it ended with, if it did.

    Raises:
        Exception: Any other error: a failure.
    """
    try:
        target.run(data, folder)
    except UserError as error:
        if type(error) is UserError or not str(error).strip():
            raise AssertionError(f'says nothing: {error!r}') from error
        _refuse_hunger(error)
        return error
    return None


def place_of(error: BaseException) -> str:
    """Kind of an error and where it came from: the same for alike cases."""
    own = foreign = ''
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        where = f'{path.parent.name}/{path.name}:{frame.name}'
        if _PACKAGE in path.parts or 'tools' in path.parts:
            own, foreign = where, ''
        else:
            foreign = where
    return (
        f'{type(error).__name__} at {own}{" in " + foreign if foreign else ""}'
    )


def _refuse_hunger(error: BaseException | None) -> None:
    """Fail where a refusal was for want of memory alone."""
    while error is not None:
        if isinstance(error, MemoryError) or (
            isinstance(error, cv2.error) and 'memory' in str(error)
        ):
            raise HungryInputError(f'asked for: {error}') from error
        error = error.__cause__ or error.__context__


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what a tool prints off the terminal."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def run_tool(main: Callable[[list[str]], Any], arguments: list[str]) -> None:
    """Run a tool that turns a UserError into exit code 2 itself."""
    errors = io.StringIO()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(errors):
            code = main(arguments)
    except SystemExit as error:
        code = error.code
    assert isinstance(code, (int, type(None))) or not isinstance(code, str)
    if code == 2:
        assert 'error: ' in errors.getvalue(), errors.getvalue()
    else:
        assert code in (0, None) or not isinstance(code, int), code


def from_json(data: bytes) -> Any:
    """What a case of our own strategies holds."""
    return json.loads(data)


def to_json(content: Any) -> bytes:
    """The bytes of a case that is not a file by itself."""
    return json.dumps(content).encode()


def all_targets() -> dict[str, Target]:
    """Every target by its name."""
    # Each imports what it fuzzes; mmdet takes seconds.
    from tests.fuzz import (
        annotation_files,
        config_texts,
        config_values,
        image_files,
        prediction_files,
        split_inputs,
    )

    rooms = (
        annotation_files,
        split_inputs,
        image_files,
        config_values,
        config_texts,
        prediction_files,
    )
    return {target.name: target for room in rooms for target in room.TARGETS}
