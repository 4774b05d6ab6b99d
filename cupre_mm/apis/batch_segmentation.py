"""Segments images in batches, and tells whose fault an error is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from cupre_mm.apis.image_loading import LoadedImage
from cupre_mm.apis.image_source import ArrayImage, ImageSource
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.utils.errors import BadDataError, MissingDataError, UserError

# Images waiting for others of their size, in batches.
_WAITING = 4
# Pixels from which on the tiles of an image have a bar of their own.
_LARGE = 8 * 2**20


class Segmenter(Protocol):
    """What :class:`~cupre_mm.apis.CellSegmenter` can do."""

    def segment_source(
        self, source: ImageSource, progress: bool = False
    ) -> Segmentation:
        """Segment one image, with a bar over its tiles or without."""

    def segment_together(
        self, sources: Sequence[ImageSource]
    ) -> list[Segmentation]:
        """Segment images of one size."""


def batches(
    images: Iterator[LoadedImage], size: int
) -> Iterator[list[LoadedImage]]:
    """Put images of one size together; large ones stay alone.

    Args:
        images (Iterator[LoadedImage]): Images that can be read.
        size (int): How many there are in a batch.

    Yields:
        list[LoadedImage]: A batch. What finds no others of its size comes
        in a smaller one.
    """
    waiting: dict[tuple[int, ...], list[LoadedImage]] = {}
    for image in images:
        if size == 1 or image.pixels is None:
            yield [image]
            continue
        shape = image.pixels.shape[:2]
        waiting.setdefault(shape, []).append(image)
        if len(waiting[shape]) == size:
            yield waiting.pop(shape)
        elif sum(map(len, waiting.values())) >= _WAITING * size:
            yield waiting.pop(max(waiting, key=lambda s: len(waiting[s])))
    yield from waiting.values()


def segment_batch(
    segmenter: Segmenter, batch: list[LoadedImage], progress: bool
) -> Iterator[tuple[LoadedImage, Segmentation | str]]:
    """Segment images, and tell what cannot be from what ends the run.

    Args:
        segmenter (Segmenter): What segments.
        batch (list[LoadedImage]): Images of one size.
        progress (bool): Whether the tiles of a large image have a bar.

    Yields:
        tuple[LoadedImage, Segmentation | str]: Each image with its cells, or
        with the reason why there are none.

    Raises:
        UserError: What is wrong for all images, such as a setting.
    """
    if len(batch) > 1:
        sources = [ArrayImage(one.pixels, one.file.path) for one in batch]
        # One after another, to tell which of them it is.
        with suppress(BadDataError, MemoryError, RuntimeError):
            yield from zip(batch, segmenter.segment_together(sources))
            return
    for image in batch:
        try:
            with image.source.open_image() as source:
                height, width = source.shape
                is_large = height * width >= _LARGE
                cells = segmenter.segment_source(
                    source, progress=progress and is_large
                )
        except Exception as error:
            if ends_run(error):
                raise
            yield image, reason_of(image, error)
        else:
            yield image, cells


def ends_run(error: Exception) -> bool:
    """Whether an error concerns all images: a setting does, a file not.

    Args:
        error (Exception): What was raised for one image.

    Returns:
        bool: No for what is this image's own fault.
    """
    return isinstance(error, UserError) and not isinstance(
        error, BadDataError | MissingDataError
    )


def reason_of(image: LoadedImage, error: Exception) -> str:
    """Say in one line why an image has no results.

    Args:
        image (LoadedImage): The image.
        error (Exception): What was raised for it.

    Returns:
        str: The reason, with the file's path.
    """
    text = ' '.join(str(error).split())
    if not isinstance(error, UserError):
        text = f'{type(error).__name__}: {text}'
    if 'out of memory' in text or isinstance(error, MemoryError):
        text += ' (a smaller --tile or --batch-size takes less memory)'
    path = image.file.path
    return text if path in text else f'{path}: {text}'
