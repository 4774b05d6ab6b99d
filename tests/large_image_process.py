"""Segments a large generated file, and tells the memory that it took.

To be run as a process of its own: FILE SIDE TILE OUT.
"""

import json
import sys
from pathlib import Path

import numpy as np

from cupre_mm.apis import SegmentationOptions
from cupre_mm.utils.measured_process import memory_mib
from tests.component_model import component_segmenter


def main(file: str, tile: str, out: str) -> None:
    segmenter = component_segmenter(min_area=2)
    # What a first image takes once and for all.
    segmenter.segment(np.eye(300, dtype=np.uint16) * 9)
    before = memory_mib()['VmHWM']
    options = SegmentationOptions(tile=int(tile))
    (cells,) = segmenter.segment_file(file, options=options).values()
    after = memory_mib()['VmHWM']
    labels = np.lib.format.open_memmap(
        Path(out), 'w+', cells.label_dtype, cells.shape
    )
    cells.label_image(labels)
    labels.flush()
    print(
        json.dumps(
            dict(
                cells=len(cells),
                tiles=cells.num_tiles,
                growth=after - before,
                places=[[m.top, m.left, m.area] for m in cells.masks],
            )
        )
    )


if __name__ == '__main__':
    main(*sys.argv[1:])
