"""Fluorescence microscopy: few bright nuclei in the dark."""

import numpy as np

from .cell_layout import CellLayout, LayoutStyle
from .noise_fields import (
    blur,
    camera_noise,
    fractal_noise,
    specks,
    uneven_light,
)

STYLE = LayoutStyle(
    aspect=(1.0, 1.7), roughness=0.09, spread=0.22, crowding=0.45
)


def render_fluorescence(
    rng: np.random.Generator, layout: CellLayout
) -> np.ndarray:
    """Draw DNA-stained nuclei as a camera sees them.

    Args:
        rng (np.random.Generator): Source of randomness.
        layout (CellLayout): The nuclei.

    Returns:
        np.ndarray: float32 signal of shape (H, W); a usual nucleus is near
        1, the background near 0.05.
    """
    shape, radius = layout.shape, layout.radius
    cells = len(layout.outlines)
    brightness = np.exp(rng.normal(0, rng.uniform(0.15, 0.4), cells))
    # Condensed chromatin of dividing cells shines about twice as bright.
    brightness[rng.uniform(size=cells) < 0.04] *= 1.8
    chromatin = fractal_noise(rng, shape, max(2.5, 0.45 * radius))
    nucleoli = specks(
        rng,
        shape,
        int(shape[0] * shape[1] / (radius**2 * 4)),
        (0.09 * radius + 0.4, 0.16 * radius + 0.5),
    )
    rim = 1 - np.exp(-layout.margin / (0.12 * radius + 0.5))
    nuclei = layout.per_cell(brightness) * rim
    nuclei *= np.clip(1 + rng.uniform(0.1, 0.22) * chromatin, 0.3, 1.8)
    nuclei *= 1 - rng.uniform(0.2, 0.5) * nucleoli

    haze = rng.uniform(0.08, 0.25) * blur(nuclei, 0.5 * radius + 3)
    unfocused = specks(
        rng, shape, rng.integers(0, 4), (0.5 * radius, 0.9 * radius)
    )
    debris = specks(rng, shape, rng.integers(0, 5), (0.5, 1.3))
    light = uneven_light(rng, shape, rng.uniform(0.2, 0.9))
    signal = nuclei + haze + rng.uniform(0.05, 0.25) * unfocused
    signal += rng.uniform(0.3, 1.5) * debris
    if rng.uniform() < 0.4:
        signal += _cytoplasm(rng, layout)
    background = rng.uniform(0.02, 0.09)
    signal = light * blur(signal + background, rng.uniform(0.7, 1.5))
    return camera_noise(
        rng, signal, rng.uniform(60, 400), rng.uniform(0.006, 0.025)
    )


def _cytoplasm(rng: np.random.Generator, layout: CellLayout) -> np.ndarray:
    """Weak stain that spills into the cell body around each nucleus."""
    body = blur((layout.labels > 0).astype(np.float32), 0.7 * layout.radius)
    streaks = fractal_noise(rng, layout.shape, layout.radius)
    return rng.uniform(0.08, 0.2) * body * np.clip(1 + 0.4 * streaks, 0, 2)
