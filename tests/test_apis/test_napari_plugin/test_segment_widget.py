"""The widget in napari, without a screen; skipped where napari is absent."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('napari', reason='napari is not installed')
pytest.importorskip('qtpy.QtWidgets', reason='no binding of Qt is installed')

from napari.components import ViewerModel
from napari.qt import get_qapp
from napari.utils.notifications import notification_manager
from npe2 import PluginManifest

import cupre_mm
from cupre_mm.apis.napari_plugin.model_shelf import ModelShelf
from cupre_mm.apis.napari_plugin.segment_form import EVERY_SLICE
from cupre_mm.apis.napari_plugin.segment_widget import SegmentWidget
from tests.component_model import disc_image
from tests.component_module import module_segmenter

SHAPE = (150, 200)
_LONGEST_S = 120


class Bench:
    """A viewer and the widget, with a model that finds bright spots."""

    def __init__(self, folder: Path) -> None:
        self.app = get_qapp()
        self.viewer = ViewerModel()
        self.widget = SegmentWidget(self.viewer)
        self.segmenter = module_segmenter()
        self.loads = 0
        self.widget.shelf = ModelShelf(self._load)
        for field, name in (('config', 'c.py'), ('checkpoint', 'w.pth')):
            path = folder / name
            path.write_text('')
            getattr(self.widget, field).value = path

    def _load(self, choice: object) -> object:
        self.loads += 1
        return self.segmenter

    def run(self) -> None:
        """Press the button and wait until the run is over."""
        self.widget.segment.changed.emit(True)
        self.wait()

    def wait(self) -> None:
        """Let Qt work until there is no run."""
        latest = time.monotonic() + _LONGEST_S
        while self.widget.worker is not None:
            assert time.monotonic() < latest, 'the run does not end'
            self.app.processEvents()
            time.sleep(0.005)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.widget.native.deleteLater()
    made.app.processEvents()


@pytest.fixture
def messages() -> Iterator[list[tuple[str, str, str]]]:
    """Kind and text of each notification."""
    seen: list[tuple[str, str, str]] = []

    def keep(notification: object) -> None:
        kind = type(notification).__name__
        seen.append((kind, str(notification.severity), notification.message))

    notification_manager.notification_ready.connect(keep)
    yield seen
    notification_manager.notification_ready.disconnect(keep)


def stack_of(slices: int) -> np.ndarray:
    return np.stack([disc_image(SHAPE, (10, 20), i) for i in range(slices)])


def expected(image: np.ndarray) -> np.ndarray:
    return module_segmenter().segment(image).label_image()


def test_manifest_is_valid_and_makes_the_widget():
    path = Path(cupre_mm.__file__).parent / 'napari.yaml'
    manifest = PluginManifest.from_file(path)
    manifest.validate_imports()
    (widget,) = manifest.contributions.widgets
    (command,) = manifest.contributions.commands
    assert widget.command == command.id
    module, _, name = command.python_name.partition(':')
    assert (module, name) == (SegmentWidget.__module__, 'SegmentWidget')


def test_labels_are_those_of_the_segmenter(bench, messages):
    image = stack_of(1)[0]
    bench.viewer.add_image(image, name='nuclei')
    bench.run()
    labels = bench.viewer.layers['nuclei cells']
    assert labels.data.max() > 10
    assert (labels.data == expected(image)).all()
    table = labels.features
    assert table['index'].tolist() == list(range(1, labels.data.max() + 1))
    assert table['area'].tolist() == np.bincount(labels.data.flat)[1:].tolist()
    assert labels.metadata['cupre_mm']['options']['score_thr'] == 0.5
    assert [kind for kind, *_ in messages] == ['Notification']
    assert 'cells' in messages[0][-1]


def test_labels_lie_where_the_image_does(bench):
    image = bench.viewer.add_image(
        stack_of(2),
        scale=(2, 0.5, 0.25),
        translate=(1, 5, 7),
        units=('um', 'um', 'um'),
    )
    bench.run()
    labels = bench.viewer.layers[-1]
    assert labels.scale.tolist() == image.scale.tolist()
    assert labels.translate.tolist() == image.translate.tolist()
    assert labels.units == image.units


def test_shown_slice_is_segmented_and_no_other(bench):
    stack = stack_of(3)
    bench.viewer.add_image(stack, scale=(4, 1, 1))
    bench.viewer.dims.set_current_step(0, 2)
    bench.run()
    labels = bench.viewer.layers[-1]
    assert (labels.data[2] == expected(stack[2])).all()
    assert not labels.data[:2].any()
    assert set(labels.features['axis_0']) == {2}


def test_second_slice_joins_the_same_layer(bench):
    stack = stack_of(3)
    bench.viewer.add_image(stack)
    bench.viewer.dims.set_current_step(0, 0)
    bench.run()
    bench.viewer.dims.set_current_step(0, 1)
    bench.run()
    assert len(bench.viewer.layers) == 2
    labels = bench.viewer.layers[-1]
    for i in (0, 1):
        assert ((labels.data[i] > 0) == (expected(stack[i]) > 0)).all()
    assert not labels.features['index'].duplicated().any()
    assert bench.loads == 1


def test_every_slice_is_segmented(bench):
    stack = stack_of(3)
    bench.viewer.add_image(stack)
    bench.widget.slices.value = EVERY_SLICE
    bench.run()
    labels = bench.viewer.layers[-1]
    for part, image in zip(labels.data, stack):
        assert ((part > 0) == (expected(image) > 0)).all()
    assert bench.widget.status.value.endswith('cells in 3 slices')


def test_cancelled_run_keeps_finished_slices_and_says_so(bench):
    bench.viewer.add_image(stack_of(4))
    bench.widget.slices.value = EVERY_SLICE
    seen: list[object] = []

    def press(*_: object) -> None:
        seen.append(None)
        if len(seen) == 2:
            bench.widget.cancel.changed.emit(True)

    bench.segmenter.model.register_forward_hook(press)
    bench.run()
    labels = bench.viewer.layers[-1]
    assert labels.data[0].any()
    assert not labels.data[1:].any()
    assert bench.widget.status.value == 'cancelled, 1 of 4 slices are kept'
    assert bench.widget.segment.enabled


def test_channel_of_a_multichannel_layer(bench):
    image = stack_of(1)[0]
    dark = np.zeros_like(image)
    dyes = np.stack([dark, image, dark, dark])
    layer = bench.viewer.add_image(dyes, scale=(3, 1, 1))
    bench.widget.channel_axis.value = 0
    bench.widget.channels.value = (1,)
    bench.run()
    labels = bench.viewer.layers[-1]
    assert labels.data.shape == (1, *SHAPE)
    assert (labels.data[0] == expected(image)).all()
    for channel in range(4):
        world = layer.data_to_world((channel, 5, 6))
        assert np.round(labels.world_to_data(world)).tolist() == [0, 5, 6]


def test_colours_are_offered_for_a_colour_image(bench):
    colour = np.zeros((*SHAPE, 3), np.uint8)
    colour[..., 2] = image = stack_of(1)[0]
    bench.viewer.add_image(colour, rgb=True)
    assert [str(c) for c in bench.widget.channels.choices] == [
        'None',
        '(0,)',
        '(1,)',
        '(2,)',
    ]
    bench.widget.channels.value = (2,)
    bench.run()
    assert (bench.viewer.layers[-1].data == expected(image)).all()


def test_chunked_array_is_read_in_parts(bench):
    dask = pytest.importorskip('dask.array')
    image = stack_of(1)[0]
    largest = []

    def watch(block: np.ndarray) -> np.ndarray:
        largest.append(block.size)
        return block

    data = dask.from_array(np.stack([image, image]), chunks=(1, 50, 200))
    bench.viewer.add_image(data.map_blocks(watch, dtype=data.dtype))
    bench.run()
    assert (bench.viewer.layers[-1].data[0] == expected(image)).all()
    assert max(largest) <= 50 * 200


def test_pyramid_is_segmented_at_full_resolution(bench):
    image = stack_of(1)[0]
    bench.viewer.add_image([image, image[::2, ::2]], multiscale=True)
    bench.run()
    assert (bench.viewer.layers[-1].data == expected(image)).all()


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        (lambda b: b.viewer.layers.clear(), 'no image layer'),
        (lambda b: setattr(b.widget.config, 'value', ''), 'choose the config'),
        (
            lambda b: (
                setattr(b.widget.scale, 'value', 2),
                setattr(b.widget.diameter, 'value', 30),
            ),
            'two answers',
        ),
        (lambda b: setattr(b.viewer.dims, 'ndisplay', 3), 'every slice'),
        (
            lambda b: setattr(b.widget.diameter, 'value', 30),
            'cell_diameter',
        ),
    ],
)
def test_mistake_of_the_user_is_a_message(
    bench, messages, change: Callable, told: str
):
    bench.viewer.add_image(stack_of(2))
    change(bench)
    bench.run()
    ((kind, severity, text),) = messages
    assert (kind, severity) == ('Notification', 'error')
    assert told in text
    assert not any('cells' in one.name for one in bench.viewer.layers)


def test_fault_of_the_program_is_told_and_ends_the_run(bench, messages):
    bench.viewer.add_image(stack_of(1)[0])
    bench.segmenter.model.failure = RuntimeError('shapes do not match')
    bench.run()
    ((kind, _, text),) = messages
    assert kind == 'ErrorNotification'
    assert 'shapes do not match' in text
    assert bench.widget.segment.enabled


def test_layer_is_added_anew_once_the_old_one_is_gone(bench):
    bench.viewer.add_image(stack_of(1)[0])
    bench.run()
    bench.viewer.layers.pop()
    bench.run()
    assert len(bench.viewer.layers) == 2


def test_runs_one_after_another_share_one_model(bench):
    bench.viewer.add_image(stack_of(1)[0])
    for _ in range(5):
        bench.run()
    assert bench.loads == 1
    assert bench.viewer.layers[-1].data.any()


def test_closed_widget_leaves_the_viewer_alone(bench):
    bench.widget.stop_listing()
    bench.viewer.add_image(stack_of(1)[0])
    assert bench.widget.image.value is None
