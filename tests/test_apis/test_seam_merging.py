"""Cells at seams of tiles are whole, and there once."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from cupre_mm.apis.detection import Detection
from cupre_mm.apis.seam_merging import SeamMerger
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.apis.tile_grid import TileGrid
from cupre_mm.apis.tiling_check import compare
from cupre_mm.utils.cropped_masks import CroppedMask
from tests.component_model import (
    component_segmenter,
    disc_image,
    nuclei_mosaic,
)

TILES = [(512, 128), (320, 128), (300, 100), (256, 64), (192, 64), (500, 200)]


def whole_and_tiled(image: np.ndarray, tile: int, overlap: int, **options):
    segmenter = component_segmenter(**options)
    whole = segmenter.segment(image, SegmentationOptions(tile=10_000))
    tiled = segmenter.segment(
        image, SegmentationOptions(tile=tile, overlap=overlap)
    )
    assert whole.num_tiles == 1
    assert tiled.num_tiles > 1
    return whole, tiled


def places(cells) -> set:
    return {(m.top, m.left, m.pixels.tobytes()) for m in cells.masks}


@pytest.mark.parametrize(('tile', 'overlap'), TILES)
def test_real_nuclei_are_those_of_the_untiled_image(
    shared_data, tile, overlap
):
    mosaic = nuclei_mosaic(shared_data, 3)
    whole, tiled = whole_and_tiled(mosaic, tile, overlap)
    assert len(whole) > 100
    np.testing.assert_array_equal(tiled.label_image(), whole.label_image())
    np.testing.assert_array_equal(tiled.scores, whole.scores)
    np.testing.assert_array_equal(tiled.boxes, whole.boxes)
    assert tiled.counts['cut_by_tiles'] == 0
    assert tiled.warnings == ()


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize(('tile', 'overlap'), TILES)
def test_discs_up_to_the_overlap_are_whole_and_there_once(tile, overlap, seed):
    image = disc_image((700, 850), (overlap // 3, overlap - 2), seed)
    whole, tiled = whole_and_tiled(image, tile, overlap)
    assert len(whole) > 10
    np.testing.assert_array_equal(tiled.label_image(), whole.label_image())
    assert tiled.counts['cut_by_tiles'] == 0


@pytest.mark.parametrize('scale', [0.5, 2.0, 64 / 65])
def test_scaled_tiles_find_what_the_scaled_whole_finds(scale):
    image = disc_image((900, 1000), (20, 40))
    options = SegmentationOptions(scale=scale)
    segmenter = component_segmenter()
    whole = segmenter.segment(image, replace(options, tile=10_000))
    tiled = segmenter.segment(image, replace(options, tile=256, overlap=96))
    assert whole.num_tiles == 1 < tiled.num_tiles
    assert len(tiled) == len(whole) > 300
    found = compare(whole, tiled)
    assert found.num_matched == len(whole)
    if scale in (0.5, 2.0):
        assert found.mean_iou == 1
    else:
        # 1,000 px become 985, not 984.6: the whole is stretched a little.
        assert found.mean_iou > 0.93


@pytest.mark.parametrize(
    ('diameter', 'tile', 'overlap'),
    [(110, 256, 64), (110, 192, 32), (250, 320, 128), (400, 256, 64)],
)
def test_larger_cells_are_put_together_and_counted(diameter, tile, overlap):
    image = disc_image((900, 1000), (diameter, diameter), 1)
    whole, tiled = whole_and_tiled(image, tile, overlap)
    assert places(tiled) == places(whole)
    assert 0 < tiled.counts['cut_by_tiles'] <= len(whole)
    assert 'larger overlap' in tiled.warnings[0]
    assert tiled.warnings[0].startswith(f'{tiled.counts["cut_by_tiles"]} ')


def test_ring_around_cells_is_put_together_without_them():
    image = disc_image((600, 600), (20, 30))
    cv2.circle(image, (300, 300), 200, 0, 60)
    cv2.circle(image, (300, 300), 200, 255, 12)
    whole, tiled = whole_and_tiled(image, 256, 64)
    assert places(tiled) == places(whole)


def test_without_overlap_cut_cells_are_counted():
    whole, tiled = whole_and_tiled(disc_image((512, 512), (40, 60)), 256, 0)
    assert len(tiled) > len(whole)
    assert tiled.counts['cut_by_tiles'] >= 2 * (len(tiled) - len(whole))


def test_batches_and_dense_masks_change_nothing():
    image = disc_image((700, 850), (30, 60))
    segmenter = component_segmenter(dense_masks=True)
    options = SegmentationOptions(tile=256, overlap=64)
    one, four = (
        segmenter.segment(image, replace(options, batch_size=size))
        for size in (1, 4)
    )
    assert max(map(len, segmenter.model.shapes)) == 4
    np.testing.assert_array_equal(one.label_image(), four.label_image())
    codes = component_segmenter().segment(image, options)
    np.testing.assert_array_equal(one.label_image(), codes.label_image())


def box(top, left, bottom, right, score=0.9, label=0) -> Detection:
    mask = CroppedMask(top, left, np.ones((bottom - top, right - left), bool))
    edges = np.array([left, top, right, bottom], np.float32)
    return Detection(mask, edges, score, label)


def two_tiles():
    grid = TileGrid(
        rows=((0, 100),), columns=((0, 192), (64, 256)), overlap=64
    )
    return list(grid.tiles_of_row(0)), SeamMerger(grid.overlap / 4)


def test_of_two_outlines_the_one_further_from_its_tile_s_end_is_kept():
    (first, second), merger = two_tiles()
    merger.add(first, [box(40, 110, 60, 135, score=0.6)])
    merger.add(second, [box(41, 109, 61, 134, score=0.9)])
    merged = merger.merge()
    assert [one.score for one in merged.detections] == [0.6]


def test_neighbours_that_touch_are_two_cells():
    (first, second), merger = two_tiles()
    merger.add(first, [box(40, 110, 60, 127)])
    merger.add(second, [box(40, 125, 60, 150)])
    assert len(merger.merge().detections) == 2


def test_one_tile_s_own_overlapping_detections_are_left_alone():
    (first, second), merger = two_tiles()
    merger.add(first, [box(40, 120, 60, 140), box(40, 121, 60, 141)])
    merger.add(second, [])
    assert len(merger.merge().detections) == 2


def test_detections_of_two_classes_are_both_kept():
    (first, second), merger = two_tiles()
    merger.add(first, [box(40, 120, 60, 140)])
    merger.add(second, [box(40, 120, 60, 140, label=1)])
    assert {one.label for one in merger.merge().detections} == {0, 1}


def test_parts_that_disagree_are_not_put_together():
    (first, second), merger = two_tiles()
    # Both reach their tile's end, at different heights.
    merger.add(first, [box(10, 60, 30, 192)])
    merger.add(second, [box(27, 64, 90, 200)])
    merged = merger.merge()
    assert len(merged.detections) == merged.num_cut == 2


def test_parts_that_agree_become_one_with_the_best_score():
    (first, second), merger = two_tiles()
    merger.add(first, [box(10, 30, 50, 192, score=0.7)])
    merger.add(second, [box(11, 64, 50, 230, score=0.8)])
    (cell,) = merger.merge().detections
    assert cell.score == 0.8
    assert cell.box.tolist() == [30, 10, 230, 50]
    assert cell.mask.area == 39 * 200 + 162
