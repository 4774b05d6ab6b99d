"""Memory of an image that is never there as a whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

ROOT = Path(__file__).resolve().parents[2]
SPOT = 20


def write_sparse(path: Path, side: int, spots: list) -> None:
    """Mapped: what stays zero takes no room on most file systems."""
    image = tifffile.memmap(path, shape=(side, side), dtype=np.uint16)
    for top, left in spots:
        image[top : top + SPOT, left : left + SPOT] = 40_000
    image.flush()


def write_tiled(path: Path, side: int, spots: list, tile: int = 256) -> None:
    """Compressed tiles, written one after another."""

    def tiles():
        for top in range(0, side, tile):
            for left in range(0, side, tile):
                part = np.zeros((tile, tile), np.uint16)
                for y, x in spots:
                    y, x = y - top, x - left
                    part[
                        max(y, 0) : max(y + SPOT, 0),
                        max(x, 0) : max(x + SPOT, 0),
                    ] = 40_000
                yield part

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side),
        dtype=np.uint16,
        tile=(tile, tile),
        compression='zlib',
    )


def spots_of(side: int, number: int) -> list:
    """Far from each other, many of them across seams."""
    pitch = side // number
    return [
        (top + SPOT, left + SPOT)
        for top in range(0, side - 2 * SPOT, pitch)
        for left in range(0, side - 2 * SPOT, pitch)
    ]


def segment(path: Path, tile: int, tmp_path: Path) -> tuple[dict, np.ndarray]:
    out = tmp_path / 'labels.npy'
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / 'tests/large_image_process.py'),
            str(path),
            str(tile),
            str(out),
        ],
        env=os.environ | {'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return found, np.load(out, mmap_mode='r')


def check(found: dict, labels: np.ndarray, spots: list, bound: int) -> None:
    assert sorted(map(tuple, found['places'])) == sorted(
        (top, left, SPOT**2) for top, left in spots
    )
    for number, (top, left, _) in enumerate(found['places'], start=1):
        assert (labels[top : top + SPOT, left : left + SPOT] == number).all()
    print(f'{labels.shape}: {found["growth"]:.0f} MiB of {bound}')
    assert found['growth'] < bound


def test_memory_of_a_file_of_tiles_is_bounded(tmp_path):
    path, side = tmp_path / 'large.tif', 6000
    spots = spots_of(side, 8)
    write_tiled(path, side, spots)
    found, labels = segment(path, 1024, tmp_path)
    assert found['tiles'] > 40
    # Strips of 64 MiB for the percentiles, rows of tiles of 12 MiB.
    check(found, labels, spots, bound=160)


@pytest.mark.slow
@pytest.mark.parametrize('write', [write_sparse, write_tiled])
def test_memory_of_20000_pixels_squared(tmp_path, write):
    path, side = tmp_path / 'large.tif', 20_000
    spots = spots_of(side, 40)
    write(path, side, spots)
    found, labels = segment(path, 1024, tmp_path)
    # The image takes 763 MiB.
    check(found, labels, spots, bound=250)
