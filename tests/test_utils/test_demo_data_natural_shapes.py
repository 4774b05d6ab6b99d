"""Scenes of textured shapes."""

import numpy as np
import pytest

from cupre_mm.utils.demo_data.natural_shapes import (
    CATEGORIES,
    MIN_VISIBLE,
    SHAPES,
    draw_scene,
    draw_shape,
)
from cupre_mm.utils.demo_data.surface_textures import paint_texture


def test_twenty_distinct_categories() -> None:
    assert len(set(CATEGORIES)) == 20


def test_visible_masks_never_overlap_and_are_never_empty() -> None:
    scene = draw_scene(np.random.default_rng(0), (120, 104), (5, 6))
    assert len(scene.masks) == len(scene.categories) >= 1
    stacked = np.stack(scene.masks).astype(int)
    assert stacked.sum(0).max() == 1
    assert stacked.sum((1, 2)).min() > 0


def test_a_hidden_object_still_shows_enough() -> None:
    shape = (96, 96)
    hidden = 0
    for seed in range(12):
        scene = draw_scene(np.random.default_rng(seed), shape, (6, 6))
        for mask in scene.masks:
            assert mask.sum() > 0.15 * MIN_VISIBLE * (0.11 * 96) ** 2 * np.pi
        boxes = [np.argwhere(m) for m in scene.masks]
        hidden += any(
            (a.min(0) < b.max(0)).all() and (b.min(0) < a.max(0)).all()
            for i, a in enumerate(boxes)
            for b in boxes[:i]
        )
    assert hidden > 0


@pytest.mark.parametrize('kind', SHAPES)
def test_shape_stays_within_its_radius(kind: str) -> None:
    mask = draw_shape(np.random.default_rng(2), kind, (100, 100), 20)
    rows, cols = np.nonzero(mask)
    assert mask.sum() > 50
    assert max(np.ptp(rows), np.ptp(cols)) <= 42


def test_unknown_shape_and_texture_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown shape 'cube'"):
        draw_shape(rng, 'cube', (32, 32), 8)
    with pytest.raises(ValueError, match="unknown texture 'furry'"):
        paint_texture(rng, 'furry', (32, 32), 8)
