"""Cells of the planes of a stack as one array of labels and one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cupre_mm.apis.napari_plugin.layer_planes import LayerPlanes, Position
from cupre_mm.apis.segmentation import Segmentation

_LARGEST_UINT16 = 2**16 - 1


@dataclass(frozen=True)
class LabelStack:
    """Labels and what is known of each.

    No value stands for two cells, whichever planes they are in: a viewer has
    one row of the table a value.

    Attributes:
        data (np.ndarray): Of :attr:`.LayerPlanes.label_shape`, uint16, or
            uint32 where a value needs it; 0 is background.
        features (dict[str, np.ndarray]): Columns of the table: ``index``,
            the value in ``data``; ``axis_0`` and so on, the plane along each
            axis of the stack; ``score``, ``area`` in pixels and ``class``.
    """

    data: np.ndarray
    features: dict[str, np.ndarray]

    def updated(
        self, planes: LayerPlanes, results: Mapping[Position, Segmentation]
    ) -> LabelStack:
        """Put new cells in the place of those of some planes.

        Args:
            planes (LayerPlanes): What the labels are of.
            results (Mapping): The cells by the position of their plane.

        Returns:
            LabelStack: Of which other planes are as they were. Their values
            come first; a stack without any begins with 1.
        """
        data = self.data.copy()
        for position in results:
            data[planes.place(position)] = 0
        first = int(data.max(initial=0)) if len(results) < len(planes) else 0
        last = first + sum(map(len, results.values()))
        if last > _LARGEST_UINT16:
            data = data.astype(np.uint32, copy=False)
        table = _Table(planes, self.features, set(results))
        for position, cells in sorted(results.items()):
            plane = data[planes.place(position)]
            for number, mask in enumerate(cells.masks, start=first + 1):
                plane[mask.place][mask.pixels] = number
            table.add(position, cells, first)
            first += len(cells)
        return LabelStack(data, table.columns())


def empty_stack(planes: LayerPlanes) -> LabelStack:
    """Make labels without a cell.

    Args:
        planes (LayerPlanes): What they are to be of.

    Returns:
        LabelStack: All background.
    """
    data = np.zeros(planes.label_shape, np.uint16)
    return LabelStack(data, _Table(planes, {}, set()).columns())


class _Table:
    """Rows of the table, of which those of some planes are left out."""

    def __init__(
        self,
        planes: LayerPlanes,
        before: Mapping[str, Any],
        replaced: set[Position],
    ) -> None:
        self._axes = [f'axis_{axis}' for axis in planes.stack_axes]
        kinds = {
            'index': np.int64,
            **dict.fromkeys(self._axes, np.int64),
            'score': np.float32,
            'area': np.int64,
            'class': object,
        }
        self._parts = {
            name: [np.zeros(0, kind)] for name, kind in kinds.items()
        }
        if not all(name in before for name in kinds):
            return
        places = zip(*(before[name] for name in self._axes))
        if self._axes:
            kept = np.array(
                [tuple(map(int, place)) not in replaced for place in places],
                bool,
            )
        else:
            kept = np.full(len(before['index']), not replaced)
        for name, kind in kinds.items():
            self._parts[name].append(np.asarray(before[name], kind)[kept])

    def add(self, position: Position, cells: Segmentation, first: int) -> None:
        """Append the cells of a plane, whose values follow ``first``."""
        count = len(cells)
        names = dict(enumerate(cells.classes))
        new = {
            'index': np.arange(first + 1, first + count + 1),
            'score': cells.scores,
            'area': np.array([mask.area for mask in cells.masks], np.int64),
            'class': np.array(
                [names.get(i, str(i)) for i in cells.labels.tolist()], object
            ),
        }
        for name, value in zip(self._axes, position):
            new[name] = np.full(count, value, np.int64)
        for name, part in new.items():
            self._parts[name].append(part)

    def columns(self) -> dict[str, np.ndarray]:
        """Put the rows together."""
        return {
            name: np.concatenate(parts) for name, parts in self._parts.items()
        }
