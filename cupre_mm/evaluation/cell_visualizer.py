"""Draws predictions whose masks are run-length codes."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmdet.structures.mask import bitmap_to_polygon
from mmdet.visualization import DetLocalVisualizer
from mmdet.visualization.palette import get_palette, jitter_color
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from cupre_mm.registry import VISUALIZERS


@VISUALIZERS.register_module()
class CellVisualizer(DetLocalVisualizer):
    """mmdet's visualiser, which also takes masks as run-length codes.

    The picture is the one that mmdet draws of the dense masks. Codes are
    decoded one at a time, so thousands of cells need no more memory than
    one. The arguments are those of ``DetLocalVisualizer``.
    """

    def _draw_instances(
        self,
        image: np.ndarray,
        instances: InstanceData,
        classes: Sequence[str] | None,
        palette: Sequence[tuple] | None,
    ) -> np.ndarray:
        masks = instances.get('masks')
        if not isinstance(masks, (list, tuple)):
            return super()._draw_instances(image, instances, classes, palette)
        fields = {k: v for k, v in instances.items() if k != 'masks'}
        drawn = super()._draw_instances(
            image, InstanceData(**fields), classes, palette
        )
        if not masks:
            return drawn
        return self._draw_codes(masks, instances.labels.tolist(), palette)

    def _draw_codes(
        self, codes: Sequence[dict], labels: list[int], palette: Any
    ) -> np.ndarray:
        """Draw outlines, then fill them.

        Args:
            codes (Sequence[dict]): Compressed run-length codes.
            labels (list[int]): Their classes.
            palette (list[tuple] | str, optional): Colours of the classes.

        Returns:
            np.ndarray: The picture, RGB, (H, W, 3).
        """
        colors = get_palette(
            palette if self.mask_color is None else self.mask_color,
            max(labels) + 1,
        )
        outlines = []
        for code in codes:
            (left, top), bitmap = _crop(code)
            contours, _ = bitmap_to_polygon(bitmap)
            outlines.extend(contour + (left, top) for contour in contours)
        self.draw_polygons(outlines, edge_colors='w', alpha=self.alpha)
        canvas = np.ascontiguousarray(self.get_image())
        for code, label in zip(codes, labels):
            (left, top), bitmap = _crop(code)
            color = jitter_color(colors[label])
            if not bitmap.size:
                continue
            height, width = bitmap.shape
            part = canvas[top : top + height, left : left + width]
            filled = np.where(bitmap[..., None], np.uint8(color), part)
            part[:] = cv2.addWeighted(
                part, 1 - self.alpha, filled, self.alpha, 0
            )
        self.ax_save.imshow(
            canvas,
            extent=(0, self.width, self.height, 0),
            interpolation='nearest',
        )
        return self.get_image()


def _crop(code: dict) -> tuple[tuple[int, int], np.ndarray]:
    """Decode a mask: left and top, and what its bounding box holds."""
    left, top, width, height = mask_utils.toBbox(code).astype(int).tolist()
    dense = mask_utils.decode(code)
    return (left, top), dense[top : top + height, left : left + width]
