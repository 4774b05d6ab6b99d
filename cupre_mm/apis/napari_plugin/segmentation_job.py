"""Segments planes one after another, to be watched and cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cupre_mm.apis.image_source import ImageSource
from cupre_mm.apis.napari_plugin.layer_planes import LayerPlanes, Position
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.apis.tile_grid import make_grid
from cupre_mm.utils.errors import BadConfigError

if TYPE_CHECKING:
    from cupre_mm.apis.cell_segmenter import CellSegmenter


class CancelledJobError(Exception):
    """The user does not want the job to go on."""


class JobWatch:
    """How far a job is, read and cancelled from another thread.

    Attributes:
        stage (str): What is done now.
        done (int): Tiles of the plane that went through the network.
        total (int): Tiles that the plane has; 0 before they are known.
    """

    def __init__(self) -> None:
        self.stage = 'waiting'
        self.done = 0
        self.total = 0
        self._cancelled = threading.Event()
        self._also: list[Callable[[], bool]] = []

    def cancel(self) -> None:
        """Ask the job to stop at the next tile."""
        self._cancelled.set()

    def cancel_when(self, condition: Callable[[], bool]) -> None:
        """Stop as well where something else says so.

        Args:
            condition (Callable): Asked at each tile.
        """
        self._also.append(condition)

    def begin(self, stage: str, total: int = 0) -> None:
        """Tell what follows.

        Args:
            stage (str): What it is.
            total (int): Number of tiles. Defaults to 0: not known.
        """
        self.check()
        self.stage, self.done, self.total = stage, 0, total

    def check(self) -> None:
        """Raise :class:`CancelledJobError` if the job is to stop."""
        if self._cancelled.is_set() or any(ask() for ask in self._also):
            raise CancelledJobError


@dataclass
class JobOutcome:
    """What a job came to.

    Attributes:
        results (dict): Cells by the position of their plane, of the planes
            that are finished.
        error (Exception, optional): What stopped it; a ``UserError`` is the
            user's to mend, another a fault of the program. Defaults to None.
        cancelled (bool): Whether it was stopped. Defaults to False.
    """

    results: dict[Position, Segmentation] = field(default_factory=dict)
    error: Exception | None = None
    cancelled: bool = False


@dataclass(frozen=True)
class SegmentationJob:
    """Some planes of a layer, and how to segment them.

    Attributes:
        planes (LayerPlanes): Those of the layer.
        positions (Sequence): Which of them.
        options (SegmentationOptions): What is wanted.
        load (Callable): Gives the segmenter; called in the job's thread.
        watch (JobWatch): Defaults to a new one.
    """

    planes: LayerPlanes
    positions: Sequence[Position]
    options: SegmentationOptions
    load: Callable[[], CellSegmenter]
    watch: JobWatch = field(default_factory=JobWatch)

    def run(self) -> JobOutcome:
        """Segment the planes.

        Returns:
            JobOutcome: With every plane that was finished before an error
            or the end.
        """
        outcome = JobOutcome()
        try:
            self.watch.begin('loading the model')
            segmenter = self.load()
            for number, position in enumerate(self.positions, start=1):
                stage = 'segmenting'
                if len(self.positions) > 1:
                    stage += f' slice {number} of {len(self.positions)}'
                outcome.results[position] = self._segment(
                    segmenter, position, stage
                )
        except CancelledJobError:
            outcome.cancelled = True
        # Whatever it is, the slices before it were worth their time.
        except Exception as error:
            outcome.error = error
            if _is_out_of_memory(error):
                first = (str(error).splitlines() or ['no more'])[0]
                outcome.error = BadConfigError(
                    f'not enough memory for a tile on this device ({first}): '
                    'choose the device cpu or a smaller scale'
                )
        return outcome

    def _segment(
        self, segmenter: CellSegmenter, position: Position, stage: str
    ) -> Segmentation:
        source = self.planes.source(position)
        self.watch.begin(f'{stage}: reading')
        factor = segmenter.factor(source.shape, self.options)
        grid = make_grid(
            source.shape, factor, self.options.tile, self.options.overlap
        )
        watched = _WatchedSource(source, self.watch)
        with _watched_model(segmenter, self.watch):
            self.watch.begin(stage, len(grid))
            return segmenter.segment_source(watched, self.options)


class _WatchedSource(ImageSource):
    """An image that is read no further once the job is cancelled."""

    def __init__(self, source: ImageSource, watch: JobWatch) -> None:
        super().__init__(source.name, source.shape)
        self._source = source
        self._watch = watch

    def rows(self, start: int, stop: int) -> np.ndarray:
        """See :meth:`.ImageSource.rows`."""
        self._watch.check()
        return self._source.rows(start, stop)


@contextmanager
def _watched_model(
    segmenter: CellSegmenter, watch: JobWatch
) -> Iterator[None]:
    """Count the tiles that leave the network, which is torch's to tell."""

    def count(module: object, args: object, output: Sequence) -> None:
        watch.done += len(output)
        watch.check()

    hook = segmenter.model.register_forward_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _is_out_of_memory(error: Exception) -> bool:
    # torch's own type is a RuntimeError, and so is that of its CPU allocator.
    return isinstance(error, MemoryError) or any(
        text in str(error) for text in ('out of memory', "can't allocate")
    )
