"""Writes the images of one stack, within bounds of memory."""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.cell_preparation.label_images import looks_like_labels
from cupre_mm.utils.cell_preparation.preparation_options import (
    NONE,
    PER_STACK,
    RANGE,
    PreparationOptions,
)
from cupre_mm.utils.cell_preparation.tiling import tile_starts
from cupre_mm.utils.image_hashes import perceptual_hash, pixel_digest
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.intensity_scale import (
    IntensityCounter,
    IntensityLimits,
    keep_values,
    scale_between,
)
from cupre_mm.utils.plane_selection import (
    PlannedImage,
    merge_channels,
    missing_planes,
    plan_images,
    read_planned,
)
from cupre_mm.utils.stack_layout import ImageStack

# A worker that takes more memory than this says so.
COSTLY_BYTES = 2**30
# Besides the values as stored: float32 and float64 copies on the way.
_WORKING_BYTES = 12


def png_bytes(image: np.ndarray) -> bytes:
    """Encode an image without loss.

    Args:
        image (np.ndarray): (H, W) or (H, W, 3) in the order R, G, B, uint8
            or uint16.

    Returns:
        bytes: A PNG file.
    """
    if image.ndim == 3:
        image = image[..., ::-1]
    encoded = cv2.imencode('.png', np.ascontiguousarray(image))[1]
    return encoded.tobytes()


class StackWriter:
    """Makes and writes the images of one image series.

    An image with a long side is read, stretched and written in bands of
    tiles, so that memory is bounded by the height of a tile where the file
    can be read by rows.

    Args:
        stack (ImageStack): The open file.
        options (PreparationOptions): What to make of it.
        out (Path): The folder that ``stem`` starts from.
        stem (str): Of the written images.
        record (dict): Gets what is to be known of them; see
            :func:`~cupre_mm.utils.cell_preparation.conversion.convert_file`.
    """

    def __init__(
        self,
        stack: ImageStack,
        options: PreparationOptions,
        out: Path,
        stem: str,
        record: dict[str, Any],
    ) -> None:
        self.stack = stack
        self.options = options
        self.out = out
        self.stem = stem
        self.record = record
        self._planned: list[PlannedImage] = []
        self._limits_of_channel: dict[int, IntensityLimits] = {}
        self._not_finite = 0

    def write_all(self) -> None:
        """Write every image that the options ask for.

        Raises:
            BadDataError: If the file cannot be decoded whole, or does not
                have what is asked for.
        """
        layout = self.stack.layout
        planned = plan_images(layout, self.options.selection)
        self.record['stacks'].append(
            {
                'axes': layout.axes,
                'shape': list(layout.shape),
                'dtype': layout.dtype,
                'levels': layout.levels,
                'sizes': {
                    name: getattr(layout, name)
                    for name in ('t', 'z', 'page', 'channel')
                },
            }
        )
        self._note_cost()
        self._planned = self._recorded(planned)
        for image in self._planned:
            self._write(image)
        if self._not_finite:
            self._note(
                f'{self._not_finite} values are NaN or infinite: written as '
                'black, +inf as white'
            )
        for message in dict.fromkeys(self.stack.notes):
            self._note(message)

    def _recorded(self, planned: list[PlannedImage]) -> list[PlannedImage]:
        """Leave out planes that the microscope was stopped before."""
        lacking = [missing_planes(self.stack, image) for image in planned]
        if any(lacking):
            self._note(
                f'{sum(lacking)} planes that the metadata speak of are not '
                'in the file'
            )
        return [
            image
            for image, lack in zip(planned, lacking)
            if not lack or image.is_projected
        ]

    def _write(self, planned: PlannedImage) -> None:
        options, layout = self.options, self.stack.layout
        tiled = self._is_tiled()
        limits = self._limits(planned)
        size = options.tile_size
        tops = lefts = [0]
        if tiled:
            tops = tile_starts(layout.height, size, options.tile_overlap)
            lefts = tile_starts(layout.width, size, options.tile_overlap)
        else:
            size = max(layout.height, layout.width)
        for top in tops:
            rows = slice(top, min(top + size, layout.height))
            band = read_planned(self.stack, planned, rows)
            for left in lefts:
                parts = [part[:, left : left + size] for part in band]
                suffix = planned.suffix
                if tiled:
                    suffix += f'_tile_y{top:05d}_x{left:05d}'
                self._write_one(parts, limits, suffix)

    def _write_one(
        self,
        parts: list[np.ndarray],
        limits: list[IntensityLimits] | None,
        suffix: str,
    ) -> None:
        image = merge_channels(
            [
                self._to_depth(part, limits and limits[i])
                for i, part in enumerate(parts)
            ]
        )
        file = f'{self.stem}{suffix}.png'
        write_atomically(self.out / file, png_bytes(image))
        self.record['images'].append(
            {
                'file': file,
                'shape': list(image.shape),
                'digest': pixel_digest(image),
                'hash': perceptual_hash(image).tobytes().hex(),
                'labels': all(looks_like_labels(part) for part in parts),
                'blank': bool((image == image[:1, :1]).all()),
            }
        )

    def _to_depth(
        self, image: np.ndarray, limits: IntensityLimits | None
    ) -> np.ndarray:
        options = self.options
        if options.normalize == NONE:
            return keep_values(image, options.bits)
        if image.dtype.kind == 'f':
            finite = np.count_nonzero(np.isfinite(image))
            self._not_finite += int(image.size - finite)
        if limits is None and options.bits == 8:
            return stretch_to_uint8(image, *options.percentiles)
        if limits is None:
            counter = IntensityCounter(image.size)
            counter.add(image)
            limits = counter.limits(*options.percentiles)
        return scale_between(image, limits, options.bits)

    def _limits(self, planned: PlannedImage) -> list[IntensityLimits] | None:
        """For each channel; None where an image is seen whole anyway."""
        options = self.options
        if options.normalize == NONE:
            return None
        if options.normalize == RANGE:
            fixed = IntensityLimits(*options.value_range)
            return [fixed] * len(planned.channels)
        if options.percentiles_of == PER_STACK:
            return [self._limits_of_stack(c) for c in planned.channels]
        if not self._is_tiled():
            return None
        return [self._count([planned], c) for c in planned.channels]

    def _limits_of_stack(self, channel: int) -> IntensityLimits:
        if channel not in self._limits_of_channel:
            images = [p for p in self._planned if channel in p.channels]
            self._limits_of_channel[channel] = self._count(images, channel)
        return self._limits_of_channel[channel]

    def _count(
        self, images: list[PlannedImage], channel: int
    ) -> IntensityLimits:
        """Percentiles, with no more in memory than some rows at a time."""
        layout, step = self.stack.layout, self.options.tile_size
        if not self._is_tiled():
            step = layout.height
        counter = IntensityCounter(
            len(images)
            * layout.height
            * layout.width
            * (3 if layout.colour else 1)
        )
        for planned in images:
            only = PlannedImage(
                '', planned.t, planned.z, planned.page, (channel,)
            )
            for top in range(0, layout.height, step):
                rows = slice(top, min(top + step, layout.height))
                counter.add(read_planned(self.stack, only, rows)[0])
        if counter.every > 1:
            self._note(
                f'percentiles are those of every {counter.every}th value'
            )
        return counter.limits(*self.options.percentiles)

    def _is_tiled(self) -> bool:
        layout, options = self.stack.layout, self.options
        longest = max(layout.height, layout.width)
        return bool(options.tile_size) and longest > max(
            options.tile_above, options.tile_size
        )

    def _note_cost(self) -> None:
        """Say what a very large image takes, before it does."""
        layout = self.stack.layout
        samples = layout.width * (3 if layout.colour else 1)
        stored = np.dtype(layout.dtype).itemsize
        rows = layout.height
        if self._is_tiled():
            rows = min(self.options.tile_size, layout.height)
        held = rows if self.stack.by_rows else layout.height
        memory = samples * (held * stored + rows * _WORKING_BYTES)
        if memory > COSTLY_BYTES:
            whole = '' if self.stack.by_rows else ', decoded whole'
            message = (
                f'{layout.width} x {layout.height} pixels{whole}: takes '
                f'about {memory / 2**30:.1f} GiB of memory in its worker'
            )
            self._note(message)
            # At once: want of memory would leave no report.
            print(f'\n{self.stack.path}: {message}', file=sys.stderr)

    def _note(self, message: str) -> None:
        if message not in self.record['notes']:
            self.record['notes'].append(message)
