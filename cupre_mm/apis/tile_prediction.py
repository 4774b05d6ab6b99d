"""Takes the tiles of an image through the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import nn

from cupre_mm.apis.detection_limits import (
    most_detections,
    scaled_limits,
    trained_area,
)
from cupre_mm.apis.faster_model import num_left_out, set_least_score
from cupre_mm.apis.image_run import ImageRun
from cupre_mm.apis.image_source import ImageSource
from cupre_mm.apis.network_input import NetworkInput
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.apis.tile_grid import Tile, make_grid


class TilePrediction:
    """From an image to what the network finds in each of its tiles.

    Args:
        model (nn.Module): A detector with masks, in evaluation mode.
        network_input (NetworkInput): How tiles are prepared for it.
    """

    def __init__(self, model: nn.Module, network_input: NetworkInput) -> None:
        self._model = model
        self.input = network_input
        self._trained_area = trained_area(network_input.config)

    def start(
        self, source: ImageSource, options: SegmentationOptions
    ) -> ImageRun:
        """Cut an image into tiles.

        Args:
            source (ImageSource): The image.
            options (SegmentationOptions): What is wanted.

        Returns:
            ImageRun: Of which no tile is done.
        """
        factor = self.input.factor(
            source.shape, options.scale, options.diameter
        )
        grid = make_grid(source.shape, factor, options.tile, options.overlap)
        return ImageRun(source.shape, factor, grid, options)

    def run(
        self,
        run: ImageRun,
        source: ImageSource,
        options: SegmentationOptions,
        on_done: Callable[[int], Any],
    ) -> None:
        """Take all tiles of an image through the network, row by row.

        Args:
            run (ImageRun): Takes in what is found.
            source (ImageSource): The image.
            options (SegmentationOptions): What is wanted.
            on_done (Callable): Called with how many more tiles are done.
        """
        limits = self.input.limits(source)
        for row, (top, bottom) in enumerate(run.grid.rows):
            strip = source.rows(top, bottom)
            for batch in run.grid.batches_of_row(row, options.batch_size):
                data = [
                    self.input.prepare(
                        strip[:, tile.left : tile.right], limits, run.factor
                    )
                    for tile in batch
                ]
                detected = self.detect(data, options)
                for tile, found in zip(batch, detected):
                    _take(run, tile, found)
                on_done(len(batch))

    def run_together(
        self,
        runs: Sequence[ImageRun],
        sources: Sequence[ImageSource],
        options: SegmentationOptions,
    ) -> None:
        """Take images of one size and one tile through the network at once.

        Args:
            runs (Sequence[ImageRun]): Take in what is found.
            sources (Sequence[ImageSource]): The images, as many.
            options (SegmentationOptions): What is wanted.
        """
        data = [
            self.input.prepare(
                source.rows(0, source.shape[0]),
                self.input.limits(source),
                run.factor,
            )
            for source, run in zip(sources, runs)
        ]
        for run, found in zip(runs, self.detect(data, options)):
            (tile,) = run.grid.tiles_of_row(0)
            _take(run, tile, found)

    def detect(
        self, data: Sequence[dict[str, Any]], options: SegmentationOptions
    ) -> list[InstanceData]:
        """Run the network.

        Args:
            data (Sequence[dict]): Tiles as :meth:`NetworkInput.prepare`
                makes them.
            options (SegmentationOptions): What is wanted; detections below
                its ``score_thr`` may be left out.

        Returns:
            list[InstanceData]: What was found in each tile, on the CPU;
            ``is_at_limit`` tells whether the model gives no more.
        """
        set_least_score(self._model, options.score_thr)
        batch = {
            key: [one[key] for one in data]
            for key in ('inputs', 'data_samples')
        }
        factor = self._limit_factor(data, options)
        with torch.inference_mode(), scaled_limits(self._model, factor):
            samples = self._model.test_step(batch)
            limit = most_detections(self._model)
        detected = [sample.pred_instances.cpu() for sample in samples]
        for found in detected:
            number = len(found) + num_left_out(found)
            found.set_metainfo(
                dict(is_at_limit=limit is not None and number >= limit)
            )
        return detected

    def _limit_factor(
        self, data: Sequence[dict[str, Any]], options: SegmentationOptions
    ) -> float:
        """How much larger than the crops of training the tiles are."""
        if self._trained_area is None or not options.scale_limits:
            return 1.0
        area = max(one['inputs'].shape[-2:].numel() for one in data)
        return max(1.0, area / self._trained_area)


def _take(run: ImageRun, tile: Tile, found: InstanceData) -> None:
    run.take(tile, found, found.is_at_limit, num_left_out(found))
