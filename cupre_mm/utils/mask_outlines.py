"""Outlines of masks along the edges of their pixels.

Filling the polygons gives the mask back, pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cupre_mm.utils.cropped_masks import CroppedMask


@dataclass(frozen=True)
class Outline:
    """One connected piece of a mask.

    Points are corners of pixels, x and y in pixels from the image's upper
    left corner: pixel (row 0, column 0) spans from (0, 0) to (1, 1). The
    first point is not repeated at the end, and no ring touches or crosses
    itself.

    Attributes:
        exterior (np.ndarray): Corners of the outer ring, (K, 2), int64;
            clockwise on the screen, where y points down.
        holes (list[np.ndarray]): Rings of what is not in the mask, the
            other way round.
    """

    exterior: np.ndarray
    holes: list[np.ndarray]


def outlines_of(mask: CroppedMask) -> list[Outline]:
    """Trace the outlines of a mask.

    Pixels that touch by a corner only belong to different pieces, unless
    other pixels connect them.

    Args:
        mask (CroppedMask): The mask.

    Returns:
        list[Outline]: Its pieces, from top to bottom.
    """
    rings = _rings(mask.pixels)
    offset = np.array([mask.left, mask.top])
    is_outer = [_area(ring) > 0 for ring in rings]
    outer = [ring for ring, is_one in zip(rings, is_outer) if is_one]
    holes: list[list[np.ndarray]] = [[] for _ in outer]
    for ring, is_one in zip(rings, is_outer):
        if not is_one:
            holes[_owner(ring, outer)].append(ring + offset)
    return [Outline(ring + offset, held) for ring, held in zip(outer, holes)]


def _rings(pixels: np.ndarray) -> list[np.ndarray]:
    """All rings, with the mask to the right of who walks along them."""
    padded = np.pad(pixels, 1)
    upper_left, upper_right = padded[:-1, :-1], padded[:-1, 1:]
    lower_left, lower_right = padded[1:, :-1], padded[1:, 1:]
    crossing = (upper_left == lower_right) & (upper_right == lower_left)
    saddle = crossing & (upper_left != upper_right)
    odd = upper_left ^ upper_right ^ lower_left ^ lower_right
    # A point where two pixels touch by the corner is two corners.
    y, x = np.nonzero(odd | saddle)
    y, x = (np.repeat(v, 1 + saddle[y, x]) for v in (y, x))
    count = len(y)
    again = np.zeros(count, bool)
    again[1:] = (y[1:] == y[:-1]) & (x[1:] == x[:-1])
    first = np.append(again[1:], False)
    # Corners of a row are in pairs of one horizontal edge each. The first of
    # two at one point ends the edge from the left; it turns up where the
    # pixel in the upper left is in the mask, down otherwise.
    turns_down = np.where(upper_left[y, x], again, first)
    order = np.lexsort((turns_down, y, x))
    up_or_down = np.empty(count, np.int64)
    up_or_down[order[0::2]] = order[1::2]
    up_or_down[order[1::2]] = order[0::2]
    left = np.arange(0, count, 2)
    right = left + 1
    below = lower_right[y[left], x[left]]
    tails, heads = (
        np.where(below, left, right),
        np.where(below, right, left),
    )
    followers = (up_or_down[heads] // 2).tolist()
    walks, seen = [], [False] * len(followers)
    for start in range(len(followers)):
        if seen[start]:
            continue
        walk, edge = [], start
        while not seen[edge]:
            seen[edge] = True
            walk.append(edge)
            edge = followers[edge]
        walks.append(walk)
    points = np.stack([x, y], axis=-1)
    rings = [
        points[np.stack([tails[w], heads[w]], axis=-1).reshape(-1)]
        for w in walks
    ]
    if not again.any():
        return rings
    return [part for ring in rings for part in _simple(ring)]


def _simple(ring: np.ndarray) -> list[np.ndarray]:
    """Cut a ring where it comes back to a point."""
    parts: list[np.ndarray] = []
    path: list[tuple[int, int]] = []
    place: dict[tuple[int, int], int] = {}
    for point in map(tuple, ring.tolist()):
        if point in place:
            begin = place[point]
            loop = path[begin:]
            for one in loop[1:]:
                del place[one]
            del path[begin + 1 :]
            parts.append(np.array(loop))
        else:
            place[point] = len(path)
            path.append(point)
    parts.append(np.array(path))
    return parts


def _area(ring: np.ndarray) -> int:
    x, y = ring[:, 0], ring[:, 1]
    return int(x @ np.roll(y, -1) - y @ np.roll(x, -1)) // 2


def _owner(hole: np.ndarray, outer: list[np.ndarray]) -> int:
    """Index of the smallest outer ring around a hole."""
    if len(outer) == 1:
        return 0
    # Right below the hole's uppermost edge lies a pixel of it.
    top = int(hole[:, 1].min())
    x = int(hole[hole[:, 1] == top, 0].min()) + 0.5
    around = [
        (_area(ring), i)
        for i, ring in enumerate(outer)
        if _is_inside(x, top + 0.5, ring)
    ]
    return min(around)[1]


def _is_inside(x: float, y: float, ring: np.ndarray) -> bool:
    ends = np.roll(ring, -1, axis=0)
    level = ring[:, 1] == ends[:, 1]
    start, end = ring[level], ends[level]
    over = (np.minimum(start[:, 0], end[:, 0]) < x) & (
        x < np.maximum(start[:, 0], end[:, 0])
    )
    return bool(np.count_nonzero(over & (start[:, 1] < y)) % 2)
