"""Decodes images in worker processes while the network runs."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np

from cupre_mm.apis.image_source import ArrayImage, FileImage
from cupre_mm.apis.source_info import SourceInfo, read_source_info
from cupre_mm.utils.cell_preparation.raw_sources import RawFile
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.measured_process import end_with_parent
from cupre_mm.utils.plane_selection import (
    SPLIT,
    PlaneSelection,
    PlannedImage,
    missing_planes,
    plan_images,
)

# Images of more bytes are not sent from process to process, but read by
# rows where they are segmented.
_LARGEST = 64 * 2**20


@dataclass(frozen=True)
class ImagePart:
    """One image of a file.

    Attributes:
        suffix (str): What tells it from the others of its file; ``''`` where
            there is but one.
        series (int): The image series of the file.
        planned (PlannedImage): What it is made of.
    """

    suffix: str
    series: int
    planned: PlannedImage


@dataclass(frozen=True)
class LoadedImage:
    """What became of an image, or of a whole file that cannot be read.

    Attributes:
        file (RawFile): The file.
        suffixes (tuple[str, ...]): Those of all images of the file.
        part (ImagePart, optional): Which one this is; None for a file that
            cannot be opened.
        source (SourceInfo, optional): What outputs need of it, and its
            pixels unless there are too many to be kept whole.
        notes (tuple[str, ...]): What is odd about it.
        error (str, optional): Why it cannot be used.
    """

    file: RawFile
    suffixes: tuple[str, ...] = ()
    part: ImagePart | None = None
    source: SourceInfo | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def name(self) -> str:
        """What tells it from all other images."""
        return self.file.name + (self.part.suffix if self.part else '')

    @property
    def pixels(self) -> np.ndarray | None:
        """(H, W) or (H, W, 3), if it is in memory."""
        return self.source.pixels if self.source else None


@dataclass(frozen=True)
class _Request:
    file: RawFile
    skipped: frozenset[str]
    # None opens the file, and reads its first image that is wanted.
    parts: tuple[ImagePart, ...] | None = None
    index: int = 0


@dataclass(frozen=True)
class _Answer:
    parts: tuple[ImagePart, ...]
    image: LoadedImage | None
    rest: tuple[int, ...] = ()


def load_images(
    files: Sequence[tuple[RawFile, frozenset[str]]],
    selection: PlaneSelection,
    series: int | str,
    workers: int,
) -> Iterator[LoadedImage]:
    """Read the images of some files, a few ahead of where they are needed.

    Args:
        files (Sequence[tuple[RawFile, frozenset[str]]]): Each file, and the
            suffixes of its images that are not wanted.
        selection (PlaneSelection): What to make of stacks.
        series (int | str): Which image series, or ``'split'``.
        workers (int): Processes; 0 reads in this one.

    Yields:
        LoadedImage: The images. What cannot be read is given with an error.

    Raises:
        BadConfigError: If a worker was killed.
    """
    waiting = deque(_Request(file, skipped) for file, skipped in files)
    if not workers or len(waiting) < 2:
        while waiting:
            request = waiting.popleft()
            answer = _load(request, selection, series)
            _put_rest(waiting, request, answer)
            if answer.image is not None:
                yield answer.image
        return
    pool = ProcessPoolExecutor(
        min(workers, len(waiting)),
        multiprocessing.get_context('spawn'),
        _start_worker,
    )
    running: deque[tuple[_Request, Future]] = deque()
    try:
        while waiting or running:
            while waiting and len(running) < workers + 2:
                request = waiting.popleft()
                future = pool.submit(_load, request, selection, series)
                running.append((request, future))
            request, future = running.popleft()
            answer = future.result()
            _put_rest(waiting, request, answer)
            if answer.image is not None:
                yield answer.image
    except BrokenProcessPool as error:
        raise BadConfigError(
            'a process that decodes images died, most likely for want of '
            'memory; run the same command again with --workers 0: it goes '
            'on from here'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C reaches the whole group; only the parent should report it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _put_rest(
    waiting: deque[_Request], request: _Request, answer: _Answer
) -> None:
    waiting.extendleft(
        _Request(request.file, request.skipped, answer.parts, index)
        for index in reversed(answer.rest)
    )


def _load(
    request: _Request, selection: PlaneSelection, series: int | str
) -> _Answer:
    file, parts = request.file, request.parts
    notes: list[str] = []
    suffixes: tuple[str, ...] = ()
    part, rest = None, ()
    try:
        wanted = [request.index]
        if parts is None:
            parts = _list_parts(file.path, selection, series, notes)
            wanted = [
                i
                for i, one in enumerate(parts)
                if one.suffix not in request.skipped
            ]
        suffixes = tuple(one.suffix for one in parts)
        if not wanted:
            return _Answer(parts, None)
        part, rest = parts[wanted[0]], tuple(wanted[1:])
        pixels = _read_part(file.path, part, notes)
        source = read_source_info(
            file.path, part.planned, part.series, pixels, part.suffix
        )
        image = LoadedImage(file, suffixes, part, source, tuple(notes))
    except MemoryError:
        reason = f'{file.path}: takes more memory than there is'
        image = LoadedImage(file, suffixes, part, error=reason)
    # Whatever a decoder trips on is the file's fault, and others follow.
    except Exception as error:
        reason = str(error) or type(error).__name__
        if str(file.path) not in reason:
            reason = f'{file.path}: {reason}'
        image = LoadedImage(file, suffixes, part, error=reason)
    return _Answer(parts or (), image, rest)


def _list_parts(
    path: str, selection: PlaneSelection, series: int | str, notes: list[str]
) -> tuple[ImagePart, ...]:
    parts: list[ImagePart] = []
    number = 0 if series == SPLIT else int(series)
    while True:
        with open_stack(path, number) as stack:
            count = stack.layout.series
            several = series == SPLIT and count > 1
            try:
                planned = plan_images(stack.layout, selection)
            except BadDataError as error:
                raise BadDataError(
                    f'{path}: {error}. On the command line: --t, --z, --page '
                    f'or --channel, each also with {SPLIT}'
                ) from error
            start = f'_s{number}' if several else ''
            parts += [
                ImagePart(start + one.suffix, number, one) for one in planned
            ]
            if series != SPLIT and count > 1:
                notes.append(
                    f'{count - 1} further image series not used (--series '
                    f'{SPLIT} takes all)'
                )
        number += 1
        if not several or number == count:
            return tuple(parts)


def _read_part(
    path: str, part: ImagePart, notes: list[str]
) -> np.ndarray | None:
    with open_stack(path, part.series) as stack:
        lacking = missing_planes(stack, part.planned)
        if lacking and part.planned.is_projected:
            notes.append(
                f'{lacking} planes that the file speaks of are not in it'
            )
        source = FileImage(stack, part.planned)
        layout = stack.layout
        colours = 3 if layout.colour else len(part.planned.channels)
        size = layout.height * layout.width * colours
        if size * np.dtype(layout.dtype).itemsize > _LARGEST:
            return None
        pixels = source.rows(0, layout.height)
        notes.extend(note for note in stack.notes if note not in notes)
    # Tells what is no image of intensities before it is sent.
    ArrayImage(pixels, source.name)
    return pixels
