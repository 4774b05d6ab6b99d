"""Masks to COCO and back."""

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from cupre_mm.utils.demo_data.coco_writer import (
    CocoWriter,
    to_polygons,
    to_rle,
)


def disc(radius: float, hole: float = 0) -> np.ndarray:
    rows, cols = np.ogrid[:60, :64]
    distance = np.hypot(rows - 30, cols - 32)
    return (distance < radius) & (distance >= hole)


def test_polygon_tells_the_mask_almost_to_the_pixel(tmp_path: Path) -> None:
    mask = disc(20)
    writer = CocoWriter('one disc', ('disc',))
    writer.add('a.png', [mask], [0], mask.shape, polygons=True)
    writer.write(tmp_path / 'annotations' / 'a.json')
    coco = COCO(tmp_path / 'annotations' / 'a.json')
    decoded = coco.annToMask(coco.loadAnns([1])[0]).astype(bool)
    union = (decoded | mask).sum()
    assert (decoded & mask).sum() / union > 0.97


def test_ring_and_empty_mask_have_no_polygon() -> None:
    assert to_polygons(disc(20, hole=10)) is None
    assert to_polygons(np.zeros((20, 20), bool)) is None


def test_a_split_mask_gives_one_polygon_a_part() -> None:
    mask = disc(20)
    mask[:, 30:34] = False
    assert len(to_polygons(mask)) == 2


def test_rle_survives_json_and_keeps_every_pixel(tmp_path: Path) -> None:
    mask = disc(20, hole=10)
    assert json.loads(json.dumps(to_rle(mask))) == to_rle(mask)
    writer = CocoWriter('one ring', ('ring',))
    writer.add('a.png', [mask], [0], mask.shape, polygons=True)
    writer.write(tmp_path / 'a.json')
    coco = COCO(tmp_path / 'a.json')
    annotation = coco.loadAnns([1])[0]
    assert np.array_equal(coco.annToMask(annotation), mask)
    assert annotation['area'] == mask.sum()
    assert annotation['bbox'] == [13, 11, 39, 39]


def test_no_draft_is_left_beside_the_file(tmp_path: Path) -> None:
    CocoWriter('empty', ('disc',)).write(tmp_path / 'a.json')
    assert [p.name for p in tmp_path.iterdir()] == ['a.json']


@pytest.mark.parametrize('radius', [1.5, 3, 6])
def test_small_polygons_keep_their_area(radius: float) -> None:
    mask = disc(radius)
    writer = CocoWriter('small', ('disc',))
    writer.add('a.png', [mask], [0], mask.shape, polygons=True)
    annotation = writer.annotations[0]
    assert isinstance(annotation['segmentation'], list)
    assert annotation['area'] == pytest.approx(mask.sum(), rel=0.12)
