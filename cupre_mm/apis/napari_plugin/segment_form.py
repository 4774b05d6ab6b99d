"""What a user chooses in the viewer before a layer is segmented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    FileEdit,
    FloatSpinBox,
    Label,
    ProgressBar,
    PushButton,
    SpinBox,
)
from napari.layers import Image

from cupre_mm.apis.napari_plugin.labels_layer import (
    full_resolution,
    shown_position,
)
from cupre_mm.apis.napari_plugin.layer_planes import (
    LayerPlanes,
    Position,
    channel_choices,
)
from cupre_mm.apis.napari_plugin.model_shelf import ModelChoice
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.errors import MissingDataError, UserError

if TYPE_CHECKING:
    import napari.viewer

THIS_SLICE = 'this slice'
EVERY_SLICE = 'every slice'
_DEVICES = [('automatic', None), ('cpu', 'cpu'), ('cuda', 'cuda')]
_LARGEST = 2**31 - 1


class SegmentForm(Container):
    """The fields of the widget, and what they say.

    Args:
        viewer (napari.viewer.Viewer): The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        super().__init__(widgets=self._make_inputs())
        self.image.changed.connect(self._choose_axes)
        self.channel_axis.changed.connect(self._choose_channels)
        viewer.layers.events.inserted.connect(self._list_images)
        viewer.layers.events.removed.connect(self._list_images)
        self._list_images()

    def chosen_model(self) -> ModelChoice:
        """Give the model.

        Returns:
            ModelChoice: Of files that exist.

        Raises:
            MissingDataError: If none is chosen, or a file is not there.
        """
        return ModelChoice(
            self.config.value, self.checkpoint.value, self.device.value
        )

    def chosen_layer(self) -> Image:
        """Give the layer.

        Returns:
            Image: One of the viewer.

        Raises:
            MissingDataError: If there is none.
        """
        layer: Image | None = self.image.value
        if layer is None:
            raise MissingDataError(
                'there is no image layer to segment: open an image'
            )
        return layer

    def chosen_planes(self) -> LayerPlanes:
        """Give the planes of the layer.

        Returns:
            LayerPlanes: With the chosen channels.

        Raises:
            UserError: If there are none.
        """
        return self._planes(self.chosen_layer(), self.channels.value)

    def chosen_positions(self, planes: LayerPlanes) -> list[Position]:
        """Give the positions of the planes to segment.

        Args:
            planes (LayerPlanes): Those of the layer.

        Returns:
            list[tuple[int, ...]]: All of them, or that which is shown.

        Raises:
            BadDataError: If that which is shown is none.
        """
        if self.slices.value == EVERY_SLICE:
            return list(planes.positions())
        return [shown_position(self._viewer, self.chosen_layer(), planes)]

    def chosen_options(self) -> SegmentationOptions:
        """Give the other options.

        Returns:
            SegmentationOptions: A field of 0 where it means none is None.

        Raises:
            BadConfigError: If they contradict each other.
        """
        return SegmentationOptions(
            score_thr=self.score_thr.value,
            scale=self.scale.value or None,
            diameter=self.diameter.value or None,
            min_area=self.min_area.value,
            max_area=self.max_area.value or None,
            exclude_border=self.exclude_border.value,
        )

    def stop_listing(self) -> None:
        """Follow the viewer's layers no longer."""
        self._viewer.layers.events.inserted.disconnect(self._list_images)
        self._viewer.layers.events.removed.disconnect(self._list_images)

    def _make_inputs(self) -> list:
        self.image = ComboBox(label='image', choices=self._images)
        self.config = FileEdit(
            label='config',
            filter='*.py',
            tooltip='Config that the model was trained with.',
        )
        self.checkpoint = FileEdit(
            label='checkpoint', filter='*.pth', tooltip='Trained weights.'
        )
        self.device = ComboBox(label='device', choices=_DEVICES)
        self.channel_axis = ComboBox(
            label='channel axis',
            choices=self._axes,
            nullable=False,
            tooltip='Axis of the layer that holds channels and no slices.',
        )
        self.channels = ComboBox(label='channels', choices=self._channels)
        self.diameter = FloatSpinBox(
            label='diameter, px',
            min=0,
            max=10_000,
            tooltip='Typical diameter of the cells; 0: as the config says.',
        )
        self.scale = FloatSpinBox(
            label='scale',
            min=0,
            max=64,
            step=0.1,
            tooltip='Magnification for the network, in place of a diameter; '
            '0: as the config says.',
        )
        self.score_thr = FloatSpinBox(
            label='least score', min=0, max=1, step=0.05, value=0.5
        )
        self.min_area = SpinBox(
            label='least area, px', min=0, max=_LARGEST, value=1
        )
        self.max_area = SpinBox(
            label='largest area, px',
            min=0,
            max=_LARGEST,
            value=0,
            tooltip='0: no limit.',
        )
        self.exclude_border = CheckBox(label='without cells at the border')
        self.slices = ComboBox(
            label='of a stack', choices=[THIS_SLICE, EVERY_SLICE]
        )
        self.segment = PushButton(text='Segment')
        self.cancel = PushButton(text='Cancel', enabled=False)
        self.progress = ProgressBar(min=0, max=1, value=0)
        self.status = Label(value='')
        return [
            self.image,
            self.config,
            self.checkpoint,
            self.device,
            self.channel_axis,
            self.channels,
            self.diameter,
            self.scale,
            self.score_thr,
            self.min_area,
            self.max_area,
            self.exclude_border,
            self.slices,
            self.segment,
            self.cancel,
            self.progress,
            self.status,
        ]

    def _images(self, *_: Any) -> list[Image]:
        return [one for one in self._viewer.layers if isinstance(one, Image)]

    def _axes(self, *_: Any) -> list[tuple[str, int | None]]:
        layer: Image | None = self.image.value
        choices: list[tuple[str, int | None]] = [('none', None)]
        if layer is None or layer.rgb:
            return choices
        shape = full_resolution(layer).shape
        # Of height and width alone none can be spared.
        if len(shape) > 2:
            choices += [
                (f'{name} ({length})', axis)
                for axis, (name, length) in enumerate(
                    zip(layer.axis_labels, shape)
                )
            ]
        return choices

    def _channels(self, *_: Any) -> list[tuple[str, Any]]:
        layer: Image | None = self.image.value
        if layer is None:
            return []
        try:
            return channel_choices(self._planes(layer, None))
        except UserError:
            return []

    def _list_images(self, *_: Any) -> None:
        self.image.reset_choices()
        self._choose_axes()

    def _choose_axes(self, *_: Any) -> None:
        self.channel_axis.reset_choices()
        self._choose_channels()

    def _choose_channels(self, *_: Any) -> None:
        self.channels.reset_choices()

    def _planes(
        self, layer: Image, channels: tuple[int, ...] | None
    ) -> LayerPlanes:
        return LayerPlanes(
            full_resolution(layer),
            rgb=layer.rgb,
            channel_axis=self.channel_axis.value,
            channels=channels,
            name=layer.name,
        )
