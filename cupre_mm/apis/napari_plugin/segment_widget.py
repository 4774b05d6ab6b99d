"""A widget of napari that segments an image layer."""

from __future__ import annotations

import dataclasses
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari.layers import Image
from napari.qt.threading import FunctionWorker, thread_worker
from napari.utils.notifications import (
    notification_manager,
    show_error,
    show_info,
    show_warning,
)
from qtpy.QtCore import QTimer

from cupre_mm import __version__
from cupre_mm.apis.napari_plugin.labels_layer import show_labels, stack_of
from cupre_mm.apis.napari_plugin.model_shelf import ModelChoice, ModelShelf
from cupre_mm.apis.napari_plugin.segment_form import SegmentForm
from cupre_mm.apis.napari_plugin.segmentation_job import (
    JobOutcome,
    SegmentationJob,
)
from cupre_mm.utils.errors import UserError

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Labels

_STOPPING = 'stopping at the next tile'
_REFRESH_MS = 100


@thread_worker(ignore_errors=True)
def _work(job: SegmentationJob) -> JobOutcome:
    # Threads of Qt's pool lose their Python state after each task, and torch
    # would use the lost one in the next: only a thread of Python is safe.
    with ThreadPoolExecutor(1, 'segmentation') as thread:
        return thread.submit(_run_quietly, job).result()


def _run_quietly(job: SegmentationJob) -> JobOutcome:
    # napari would show each deprecation in a library as a notification.
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return job.run()


def _tell(error: Exception) -> None:
    if isinstance(error, UserError):
        show_error(str(error))
    else:
        notification_manager.receive_error(
            type(error), error, error.__traceback__
        )


@dataclass(frozen=True)
class _Run:
    job: SegmentationJob
    layer: Image
    model: ModelChoice


class SegmentWidget(SegmentForm):
    """Segments the chosen image layer and shows the cells as labels.

    Args:
        viewer (napari.viewer.Viewer): The viewer, which napari passes.

    Attributes:
        shelf (ModelShelf): Keeps the model from one run to the next.
        worker (FunctionWorker, optional): The run in progress.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._labels: WeakKeyDictionary[Image, Labels] = WeakKeyDictionary()
        self._run: _Run | None = None
        self.shelf = ModelShelf()
        self.worker: FunctionWorker | None = None
        self._timer = QTimer(self.native)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._show_progress)
        self.segment.changed.connect(self._start)
        self.cancel.changed.connect(self._cancel)
        self.native.destroyed.connect(self._close)

    def _start(self) -> None:
        if self.worker is not None:
            return
        try:
            model = self.chosen_model()
            planes = self.chosen_planes()
            job = SegmentationJob(
                planes,
                self.chosen_positions(planes),
                self.chosen_options(),
                lambda: self.shelf.get(model),
            )
        except UserError as error:
            show_error(str(error))
            return
        worker = _work(job)
        job.watch.cancel_when(lambda: worker.abort_requested)
        worker.returned.connect(self._take)
        worker.finished.connect(self._end)
        self._run, self.worker = _Run(job, self.chosen_layer(), model), worker
        self._set_running(True)
        worker.start()

    def _cancel(self) -> None:
        if self._run is not None:
            self._run.job.watch.cancel()
            self.status.value = _STOPPING

    def _take(self, outcome: JobOutcome) -> None:
        if self._run is None:
            return
        wanted = len(self._run.job.positions)
        name = self._run.layer.name
        if outcome.results:
            self._show(self._run, outcome)
        if outcome.error is not None:
            _tell(outcome.error)
        if outcome.cancelled or outcome.error is not None:
            kept = f', {len(outcome.results)} of {wanted} slices are kept'
            self.status.value = 'cancelled' if outcome.cancelled else 'failed'
            self.status.value += kept if outcome.results else ''
            return
        cells = sum(map(len, outcome.results.values()))
        self.status.value = f'{cells} cells' + (
            f' in {wanted} slices' if wanted > 1 else ''
        )
        show_info(f'{name}: {self.status.value}')
        at_limit = sum(
            one.counts.get('tiles_at_limit', 0)
            for one in outcome.results.values()
        )
        if at_limit:
            show_warning(
                f'{name}: in {at_limit} tiles the model found as many cells '
                'as it gives at most (test_cfg.rcnn.max_per_img of the '
                'config), so some may be missing: give a larger scale'
            )

    def _show(self, run: _Run, outcome: JobOutcome) -> None:
        planes = run.job.planes
        labels = self._labels.get(run.layer)
        if labels is not None and labels not in self._viewer.layers:
            labels = None
        try:
            stack = stack_of(labels, planes).updated(planes, outcome.results)
        except MemoryError:
            show_error(
                f'labels of the shape {planes.label_shape} do not fit into '
                'memory: crop the layer, or use tools/predict.py'
            )
            return
        made_with = {
            'image': run.layer.name,
            'config': str(run.model.config),
            'checkpoint': str(run.model.checkpoint),
            'options': dataclasses.asdict(run.job.options),
            'version': __version__,
        }
        self._labels[run.layer] = show_labels(
            self._viewer,
            run.layer,
            labels,
            planes,
            stack,
            {'cupre_mm': made_with},
        )

    def _end(self) -> None:
        if self._run is not None:
            self._set_running(False)
        self._run = self.worker = None

    def _close(self, *_: Any) -> None:
        if self._run is not None:
            self._run.job.watch.cancel()
        # What a destroyed widget would show is nowhere to be shown.
        self._run = None
        self.stop_listing()

    def _set_running(self, running: bool) -> None:
        self.segment.enabled = not running
        self.cancel.enabled = running
        if running:
            self.status.value = ''
            self._timer.start()
        else:
            self._timer.stop()
            self.progress.max = 1
            self.progress.value = 0

    def _show_progress(self) -> None:
        if self._run is None or self.status.value == _STOPPING:
            return
        watch = self._run.job.watch
        # A bar from 0 to 0 moves to and fro: how long it takes is not known.
        self.progress.max = watch.total
        self.progress.value = min(watch.done, watch.total)
        tiles = f', {watch.done} of {watch.total} tiles' if watch.total else ''
        self.status.value = f'{watch.stage}{tiles}'
