"""From the detections of an image's tiles to its cells."""

from __future__ import annotations

from collections import Counter

import numpy as np
from mmengine.structures import InstanceData

from cupre_mm.apis.overlap_resolution import resolve_overlaps
from cupre_mm.apis.seam_merging import SeamMerger
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.apis.tile_detections import filter_cells, to_detections
from cupre_mm.apis.tile_grid import Tile, TileGrid

# The band around a seam in which both neighbours may have found a cell, as a
# share of what they have in common.
_BAND = 1 / 4


class ImageRun:
    """What is known of an image while its tiles are segmented.

    Args:
        shape (tuple[int, int]): Its height and width.
        factor (float): Pixels of the network's input to a pixel of it.
        grid (TileGrid): Its tiles.
        options (SegmentationOptions): What is wanted.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        factor: float,
        grid: TileGrid,
        options: SegmentationOptions,
    ) -> None:
        self.shape = shape
        self.factor = factor
        self.grid = grid
        self._options = options
        self._merger = SeamMerger(grid.overlap * _BAND)
        self._counts: Counter[str] = Counter()

    def take(
        self,
        tile: Tile,
        found: InstanceData,
        is_at_limit: bool,
        num_left_out: int = 0,
    ) -> None:
        """Take in what the model gives for a tile.

        Args:
            tile (Tile): The tile.
            found (InstanceData): See :func:`.to_detections`.
            is_at_limit (bool): Whether the model gives no more.
            num_left_out (int): Detections below ``score_thr`` that the model
                did not give. Defaults to 0.
        """
        kept = found[found.scores >= self._options.score_thr]
        self._counts['tiles_at_limit'] += is_at_limit
        self._counts['below_score_thr'] += (
            len(found) - len(kept) + num_left_out
        )
        self._merger.add(tile, to_detections(kept, tile))

    def finish(self, classes: tuple[str, ...]) -> Segmentation:
        """Decide about overlaps, when all tiles are done.

        Args:
            classes (tuple[str, ...]): Names of the classes.

        Returns:
            Segmentation: The cells.
        """
        counts = self._counts
        merged = self._merger.merge()
        counts['cut_by_tiles'] = merged.num_cut
        cells, hidden = resolve_overlaps(
            merged.detections, self._options.min_visible
        )
        counts['covered_by_others'] = hidden
        cells = filter_cells(cells, self.shape, self._options, counts)
        boxes = np.array([one.box for one in cells], np.float32)
        return Segmentation(
            shape=self.shape,
            masks=[one.mask for one in cells],
            scores=np.array([one.score for one in cells], np.float32),
            boxes=boxes.reshape(-1, 4),
            labels=np.array([one.label for one in cells], np.int64),
            classes=classes,
            factor=self.factor,
            num_tiles=len(self.grid),
            counts=dict(counts),
        )
