"""Each kind of error, drawn with squares."""

import numpy as np
import pytest

from cupre_mm.evaluation.error_kinds import (
    ERROR_KINDS,
    IGNORED,
    TRUE_POSITIVE,
    match_image,
)
from tests.scored_cells import rle_of

CELL, FAR = (10, 10, 10, 10), (40, 40, 10, 10)


def as_masks(boxes: list) -> list:
    return [rle_of(box) for box in boxes]


def as_boxes(boxes: list) -> list:
    return [np.array(box, float) for box in boxes]


@pytest.mark.parametrize('shapes', [as_masks, as_boxes])
@pytest.mark.parametrize(
    ('truth', 'found', 'truth_kinds', 'found_kinds'),
    [
        ([CELL], [CELL], [TRUE_POSITIVE], [TRUE_POSITIVE]),
        ([CELL], [], ['missed'], []),
        ([], [CELL], [], ['false']),
        ([CELL], [FAR], ['missed'], ['false']),
        # One detection over two cells that touch: of neither is IoU 0.5.
        (
            [(10, 10, 10, 10), (20, 10, 10, 10)],
            [(10, 9, 20, 12)],
            ['merged', 'merged'],
            ['merged'],
        ),
        # It matches the large one, and swallows the small one.
        (
            [(10, 10, 16, 10), (26, 10, 4, 10)],
            [(10, 10, 20, 10)],
            [TRUE_POSITIVE, 'merged'],
            [TRUE_POSITIVE],
        ),
        (
            [(10, 10, 20, 20)],
            [(10, 10, 20, 9), (10, 20, 20, 9)],
            ['split'],
            ['split', 'split'],
        ),
        # The larger part matches, the other is a part too many.
        (
            [(10, 10, 20, 20)],
            [(10, 10, 20, 14), (10, 25, 20, 5)],
            [TRUE_POSITIVE],
            [TRUE_POSITIVE, 'split'],
        ),
        (
            [CELL],
            [CELL, (10, 10, 10, 8)],
            [TRUE_POSITIVE],
            [TRUE_POSITIVE, 'duplicate'],
        ),
        # IoU 1/3.
        ([CELL], [(15, 10, 10, 10)], ['poor_outline'], ['poor_outline']),
        # IoU 1/19 is too little to be called an outline of the cell.
        ([CELL], [(19, 10, 10, 10)], ['missed'], ['false']),
        # A single small part inside is no split.
        ([CELL], [(10, 10, 5, 5)], ['poor_outline'], ['poor_outline']),
    ],
)
def test_kinds(shapes, truth, found, truth_kinds, found_kinds):
    scores = np.linspace(0.9, 0.6, len(found))
    match = match_image(shapes(truth), shapes(found), scores)
    assert match.truth == truth_kinds
    assert match.found == found_kinds


def test_exactly_half_of_two_cells_is_merged():
    truth = [(0, 0, 20, 10), (20, 0, 20, 10)]
    match = match_image(as_masks(truth), as_masks([(10, 0, 20, 10)]), [0.9])
    assert match.found == ['merged']


def test_pairs_of_poor_outlines_are_one_to_one_and_the_best_first():
    truth = [(10, 10, 10, 10), (10, 30, 10, 10)]
    found = [(14, 10, 14, 10), (16, 10, 10, 10)]
    match = match_image(as_masks(truth), as_masks(found), [0.8, 0.9])
    # The first has IoU 1/3 with the cell, the second 1/4.
    assert match.truth == ['poor_outline', 'missed']
    assert match.order.tolist() == [1, 0]
    assert match.found == ['false', 'poor_outline']


def test_higher_score_takes_the_cell_whatever_the_order_given():
    found = [(10, 10, 10, 8), CELL]
    match = match_image(as_masks([CELL]), as_masks(found), [0.7, 0.9])
    assert match.order.tolist() == [1, 0]
    assert match.correct.tolist() == [True, False]


def test_below_the_threshold_a_detection_is_neither_right_nor_wrong():
    found = as_masks([CELL, FAR])
    match = match_image(as_masks([CELL]), found, [0.4, 0.3], 0.5)
    assert match.truth == ['missed']
    assert match.found == []
    assert match.low_score == 1
    # The calibration sees it all the same.
    assert match.correct.tolist() == [True, False]


def test_detection_in_a_crowd_region_is_ignored():
    found = as_masks([CELL, FAR])
    # The one that matches a cell counts though the crowd region covers it.
    crowd = as_masks([(35, 35, 20, 20), (5, 5, 20, 20)])
    match = match_image(as_masks([CELL]), found, [0.9, 0.8], crowd=crowd)
    assert match.found == [TRUE_POSITIVE, IGNORED]
    assert match.ignored.tolist() == [False, True]


def test_hundreds_of_cells_are_matched():
    corners = np.mgrid[0:60:3, 0:60:3].reshape(2, -1).T
    cells = [rle_of((x, y, 2, 2)) for x, y in corners.tolist()]
    match = match_image(cells, cells, np.linspace(0.9, 0.6, len(cells)))
    assert match.count(TRUE_POSITIVE) == (400, 400)


def test_every_cell_and_detection_is_counted_once():
    generator = np.random.default_rng(0)

    def some(count: int) -> list:
        corners = generator.integers(0, 44, (count, 2))
        sides = generator.integers(4, 20, (count, 2))
        return as_masks(np.hstack([corners, sides]).tolist())

    for _ in range(20):
        truth, found = some(12), some(15)
        match = match_image(truth, found, generator.random(15), 0.3)
        kinds = (TRUE_POSITIVE, *ERROR_KINDS)
        cells, detections = zip(*(match.count(kind) for kind in kinds))
        assert sum(cells) == 12
        assert sum(detections) == (match.scores >= 0.3).sum()
        assert cells[0] == detections[0]
