"""The layer of labels that lies over a layer of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cupre_mm.apis.napari_plugin.label_stack import LabelStack, empty_stack
from cupre_mm.apis.napari_plugin.layer_planes import LayerPlanes, Position
from cupre_mm.utils.errors import BadDataError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels


def full_resolution(layer: Image) -> Any:
    """Give the array of a layer, the largest of a pyramid.

    Args:
        layer (Image): The layer.

    Returns:
        Any: The array; nothing of it is read.
    """
    return layer.data[0] if layer.multiscale else layer.data


def shown_position(
    viewer: ViewerModel, layer: Image, planes: LayerPlanes
) -> Position:
    """Find the plane that a viewer shows.

    Args:
        viewer (ViewerModel): The viewer.
        layer (Image): A layer of it.
        planes (LayerPlanes): The planes of the layer.

    Returns:
        tuple[int, ...]: The position of the plane.

    Raises:
        BadDataError: If the viewer shows no single plane of height and
            width, but a volume or a cut through it.
    """
    lacking = viewer.dims.ndim - layer.ndim
    displayed = {axis - lacking for axis in viewer.dims.displayed}
    across = sorted(displayed & set(planes.stack_axes))
    if across:
        raise BadDataError(
            f'the viewer shows {planes.name} along its axes '
            f'{", ".join(map(str, sorted(displayed)))}, and its slices lie '
            f'in the axes {planes.plane_axes[0]} and {planes.plane_axes[1]}: '
            'turn to the two-dimensional view and roll its axes back, or '
            'choose every slice'
        )
    return planes.position_at(layer.world_to_data(viewer.dims.point))


def label_geometry(layer: Image, planes: LayerPlanes) -> dict[str, Any]:
    """Tell where labels of a layer lie in the world.

    Args:
        layer (Image): The layer of the image.
        planes (LayerPlanes): Its planes.

    Returns:
        dict: Arguments of a layer of labels. Where there is an axis of
        channels, its one position is stretched over all of them, so that
        the labels are seen whichever is shown.
    """
    scale = np.array(layer.scale, float)
    translate = np.array(layer.translate, float)
    if planes.channel_axis is not None:
        axis, count = planes.channel_axis, planes.shape[planes.channel_axis]
        middle = np.zeros(planes.ndim)
        middle[axis] = scale[axis] * (count - 1) / 2
        translate += layer.rotate @ _shear_matrix(layer) @ middle
        scale[axis] *= count
    return {
        'scale': scale,
        'translate': translate,
        'rotate': layer.rotate,
        'shear': layer.shear,
        'affine': layer.affine,
        'units': layer.units,
        'axis_labels': layer.axis_labels,
    }


def stack_of(labels: Labels | None, planes: LayerPlanes) -> LabelStack:
    """Read what a layer of labels holds.

    Args:
        labels (Labels, optional): The layer.
        planes (LayerPlanes): What it is of.

    Returns:
        LabelStack: An empty one where there is no layer, or one of another
        shape.
    """
    if labels is None or tuple(labels.data.shape) != planes.label_shape:
        return empty_stack(planes)
    features = {
        name: np.asarray(labels.features[name]) for name in labels.features
    }
    data = np.asarray(labels.data)
    if data.dtype.kind != 'u' or data.dtype.itemsize < 2:
        data = data.astype(np.uint32)
    return LabelStack(data, features)


def show_labels(
    viewer: ViewerModel,
    layer: Image,
    labels: Labels | None,
    planes: LayerPlanes,
    stack: LabelStack,
    metadata: dict[str, Any],
) -> Labels:
    """Add labels to a viewer, or put them in the place of older ones.

    Args:
        viewer (ViewerModel): The viewer.
        layer (Image): What the labels are of.
        labels (Labels, optional): The layer of older ones.
        planes (LayerPlanes): The planes of ``layer``.
        stack (LabelStack): The labels.
        metadata (dict): How they were made.

    Returns:
        Labels: The layer that shows them.
    """
    geometry = label_geometry(layer, planes)
    fits = (
        labels is not None
        and labels in viewer.layers
        and tuple(labels.data.shape) == stack.data.shape
    )
    if not fits:
        return viewer.add_labels(
            stack.data,
            name=f'{layer.name} cells',
            features=stack.features,
            metadata=metadata,
            **geometry,
        )
    labels.data = stack.data
    labels.features = stack.features
    labels.metadata = {**labels.metadata, **metadata}
    for name, value in geometry.items():
        setattr(labels, name, value)
    return labels


def _shear_matrix(layer: Image) -> np.ndarray:
    shear: Sequence | np.ndarray = np.asarray(layer.shear, float)
    if shear.ndim == 2:
        return shear
    matrix = np.eye(layer.ndim)
    matrix[np.triu_indices(layer.ndim, k=1)] = shear
    return matrix
