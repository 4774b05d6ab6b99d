"""Detections of overlapping tiles made into those of one image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cupre_mm.apis.detection import Detection
from cupre_mm.apis.tile_grid import Tile
from cupre_mm.utils.box_index import BoxIndex
from cupre_mm.utils.cropped_masks import join_masks

# Two detections are of one cell if their masks share this much of their
# union, or of the smaller one: a cell that one tile took for two.
_IOU_THR = 0.4
_CONTAINED = 0.7
# Two cut detections are parts of one cell if they share this much of their
# union inside of what both tiles show.
_AGREEMENT = 0.5
# A mask that ends this close to where its tile does was cut there.
_CUT = 1


@dataclass(frozen=True)
class MergedDetections:
    """The detections of an image.

    Attributes:
        detections (list[Detection]): In the order of the tiles.
        num_cut (int): How many of them no tile shows whole; they were put
            together from parts where those agree.
    """

    detections: list[Detection]
    num_cut: int


class SeamMerger:
    """Takes detections tile by tile, and tells which to keep.

    A tile answers for cells with their centre in its core (see
    :class:`.tile_grid.Tile`); a detection whose centre is further than
    ``tolerance`` outside is left to the neighbour, which sees more of the
    cell. In the band in between both may have found the cell, each with its
    centre on the other's side or both: of detections of two tiles that
    overlap that much that they must be of one cell, the one further from
    where its tile ends is kept.

    A cell up to as large as what neighbours share is whole in one of them.
    Of a larger one several tiles have a part, and parts that agree where
    their tiles overlap become one detection, with the best of their scores.

    Args:
        tolerance (float): Width of the band on either side, in pixels.
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._candidates: list[_Candidate] = []
        self._num_tiles = 0

    def add(self, tile: Tile, detections: Iterable[Detection]) -> None:
        """Take in what was found in one tile.

        Args:
            tile (Tile): The tile.
            detections (Iterable[Detection]): In pixels of the image.
        """
        number = frozenset([self._num_tiles])
        for found in detections:
            if not tile.answers_for(found.centre, self._tolerance):
                continue
            mask = found.mask
            inset = tile.inset(mask.top, mask.left, mask.bottom, mask.right)
            in_band = not tile.answers_for(found.centre, -self._tolerance)
            self._candidates.append(
                _Candidate(
                    found, (tile,), number, inset, in_band or inset <= _CUT
                )
            )
        self._num_tiles += 1

    def merge(self) -> MergedDetections:
        """Decide about those that two tiles may have found.

        Returns:
            MergedDetections: What is left.
        """
        candidates = _with_parts_joined(self._candidates)
        # Only what lies in a band, or is cut, can be double; the others stay
        # as they are.
        order = sorted(
            range(len(candidates)),
            key=lambda i: (
                candidates[i].may_be_double,
                -candidates[i].inset,
                -candidates[i].detection.score,
            ),
        )
        kept = BoxIndex()
        for i in order:
            one = candidates[i]
            if one.may_be_double and any(
                candidates[j].numbers.isdisjoint(one.numbers)
                and _is_same_cell(one, candidates[j])
                for j in kept.near(one.detection.mask)
            ):
                continue
            kept.add(i, one.detection.mask)
        left = [candidates[i] for i in sorted(kept.numbers)]
        return MergedDetections(
            [one.detection for one in left],
            sum(one.inset <= _CUT for one in left),
        )


@dataclass(frozen=True)
class _Candidate:
    detection: Detection
    tiles: tuple[Tile, ...]
    numbers: frozenset[int]
    inset: float
    may_be_double: bool


def _is_same_cell(one: _Candidate, other: _Candidate) -> bool:
    mine, theirs = one.detection.mask, other.detection.mask
    if one.detection.label != other.detection.label:
        return False
    shared = mine.shared_pixels(theirs)
    if not shared:
        return False
    areas = mine.area, theirs.area
    return shared >= _IOU_THR * (
        sum(areas) - shared
    ) or shared >= _CONTAINED * min(areas)


def _with_parts_joined(
    candidates: Sequence[_Candidate],
) -> list[_Candidate]:
    """Put parts of one cell together, at the place of the first part."""
    group = list(range(len(candidates)))

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    parts = BoxIndex()
    for i, one in enumerate(candidates):
        if one.inset > _CUT:
            continue
        for j in parts.near(one.detection.mask):
            if _are_parts(one, candidates[j]):
                first, second = sorted((root(i), root(j)))
                group[second] = first
        parts.add(i, one.detection.mask)
    members: dict[int, list[_Candidate]] = {}
    for i, one in enumerate(candidates):
        members.setdefault(root(i), []).append(one)
    return [
        _join(alike) if len(alike) > 1 else alike[0]
        for alike in members.values()
    ]


def _are_parts(one: _Candidate, other: _Candidate) -> bool:
    (tile,), (neighbour,) = one.tiles, other.tiles
    if (
        one.numbers == other.numbers
        or one.detection.label != other.detection.label
    ):
        return False
    mine, theirs = one.detection.mask, other.detection.mask
    shared = mine.shared_pixels(theirs)
    if not shared:
        return False
    both = (
        max(tile.top, neighbour.top),
        max(tile.left, neighbour.left),
        min(tile.bottom, neighbour.bottom),
        min(tile.right, neighbour.right),
    )
    either = mine.area_in(*both) + theirs.area_in(*both) - shared
    return shared >= _AGREEMENT * either


def _join(parts: Sequence[_Candidate]) -> _Candidate:
    found = [one.detection for one in parts]
    boxes = np.stack([one.box for one in found])
    best = max(found, key=lambda one: one.score)
    return _Candidate(
        Detection(
            mask=join_masks([one.mask for one in found]),
            box=np.concatenate(
                [boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)]
            ),
            score=best.score,
            label=best.label,
        ),
        tiles=tuple(tile for one in parts for tile in one.tiles),
        numbers=frozenset().union(*(one.numbers for one in parts)),
        inset=0.0,
        may_be_double=True,
    )
