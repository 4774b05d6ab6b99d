"""A segmenter without a network, and folders of images for it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from skimage.measure import label, regionprops

from cupre_mm.apis.folder_inputs import find_inputs
from cupre_mm.apis.folder_run import FolderResult, segment_folder
from cupre_mm.apis.folder_settings import FolderSettings
from cupre_mm.apis.image_source import ImageSource
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.plane_selection import PlaneSelection


class StubSegmenter:
    """Takes connected pixels brighter than 100 for cells."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.batches: list[int] = []

    def segment_source(
        self, source: ImageSource, progress: bool = False
    ) -> Segmentation:
        self.seen.append(Path(source.name).name)
        pixels = source.rows(0, source.shape[0])
        gray = pixels if pixels.ndim == 2 else pixels.max(axis=-1)
        masks = [
            CroppedMask(one.bbox[0], one.bbox[1], one.image)
            for one in regionprops(label(gray > 100))
        ]
        return cells_of(source.shape, masks)

    def segment_together(
        self, sources: Sequence[ImageSource]
    ) -> list[Segmentation]:
        self.batches.append(len(sources))
        return [self.segment_source(source) for source in sources]


def cells_of(
    shape: tuple[int, int], masks: Sequence[CroppedMask]
) -> Segmentation:
    """A segmentation of these masks, each less sure than the one before."""
    boxes = [[m.left, m.top, m.right, m.bottom] for m in masks]
    return Segmentation(
        shape=shape,
        masks=list(masks),
        scores=np.linspace(1, 0.5, len(masks), dtype=np.float32),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.zeros(len(masks), np.int64),
        classes=('cell',),
        factor=1.0,
        counts={'below_score_thr': 3},
    )


def spots(seed: int, shape: tuple[int, int] = (24, 32)) -> np.ndarray:
    """A gray image of three bright squares."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 20, shape).astype(np.uint8)
    for left in (2, 12, 22):
        top = int(random.integers(1, shape[0] - 8))
        image[top : top + 6, left : left + 6] = 200
    return image


def write_image(path: Path, image: np.ndarray, **options: object) -> Path:
    """Write an image in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in ('.tif', '.tiff'):
        tifffile.imwrite(path, image, **options)
    else:
        Image.fromarray(image).save(path)
    return path


def settings(**changes: object) -> FolderSettings:
    """Settings of a run that writes label images and tables."""
    given = {
        'config': 'config.py',
        'config_hash': 'c' * 64,
        'checkpoint': 'weights.pth',
        'checkpoint_hash': 'w' * 64,
        'options': SegmentationOptions(),
        'selection': PlaneSelection(),
        'series': 0,
        'outputs': ('label', 'csv'),
    }
    return FolderSettings(**{**given, **changes})


def run(
    folder: Path,
    out: Path,
    given: FolderSettings | None = None,
    segmenter: StubSegmenter | None = None,
    **options: object,
) -> tuple[FolderResult, StubSegmenter]:
    """Segment a folder with the stub."""
    segmenter = segmenter or StubSegmenter()
    result = segment_folder(
        find_inputs([str(folder)], out),
        out,
        given or settings(),
        lambda: segmenter,
        progress=False,
        **options,
    )
    return result, segmenter


def files_below(folder: Path) -> dict[str, bytes]:
    """Content of all visible files, by their path in the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file() and not path.name.startswith('.')
    }
