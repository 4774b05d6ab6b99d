"""Phase-contrast microscopy: gray cells with bright halos."""

import numpy as np

from .cell_layout import CellLayout, LayoutStyle, nuclei_of
from .noise_fields import (
    blur,
    camera_noise,
    fractal_noise,
    smooth_noise,
    specks,
    uneven_light,
)

STYLE = LayoutStyle(
    aspect=(1.1, 2.6), roughness=0.15, spread=0.25, crowding=0.55
)
NUCLEUS = LayoutStyle(aspect=(1.0, 1.5), roughness=0.06, spread=0, crowding=0)


def render_phase(rng: np.random.Generator, layout: CellLayout) -> np.ndarray:
    """Draw living cells under phase contrast.

    The picture is the optical thickness minus its own surroundings, which
    is what makes halos outside and shade-off inside of thick cells.

    Args:
        rng (np.random.Generator): Source of randomness.
        layout (CellLayout): The cells.

    Returns:
        np.ndarray: float32 picture of shape (H, W); the background is near
        0.5, black is 0 and white is 1.
    """
    shape, radius = layout.shape, layout.radius
    cells = len(layout.outlines)
    # Dividing and dying cells round up, grow thick and turn bright.
    roundish = np.array([outline.aspect < 1.6 for outline in layout.outlines])
    bright = roundish & (rng.uniform(size=cells) < 0.2)
    height = np.where(bright, 1.2, rng.uniform(0.65, 1.1, cells))
    dome = 1 - np.exp(-layout.margin / (0.25 * radius + 0.5))
    nuclei = nuclei_of(rng, layout, (0.36, 0.46), NUCLEUS)
    nuclei = blur(nuclei.astype(np.float32), 0.9)
    thickness = layout.per_cell(height) * (0.35 * (dome > 0) + 0.65 * dome)
    halo = blur(thickness, 0.22 * radius + 1.2)
    wide_halo = blur(thickness, 0.8 * radius + 2)
    contrast = 0.75 * halo + 0.4 * wide_halo - thickness

    inside = blur((layout.labels > 0).astype(np.float32), 0.8)
    granules = specks(
        rng, shape, int(shape[0] * shape[1] / 150), (0.5, 0.05 * radius + 0.5)
    )
    cytoplasm = fractal_noise(rng, shape, max(3.0, 0.4 * radius))
    membrane = 4 * nuclei * (1 - nuclei)
    sheen = blur(layout.per_cell(bright.astype(float)) * dome**2, 0.8)

    gain = rng.uniform(0.45, 0.7)
    picture = 0.47 + gain * contrast + 1.3 * gain * sheen
    picture += inside * (1 - sheen) * (0.03 * cytoplasm - 0.3 * granules)
    picture += inside * (1 - sheen) * (0.05 * nuclei - 0.09 * membrane)

    dirt = specks(rng, shape, rng.integers(2, 10), (0.6, 1.6))
    picture += 0.35 * (blur(dirt, 2.2) * 1.6 - dirt)
    picture += 0.012 * fractal_noise(rng, shape, 10)
    picture += 0.02 * smooth_noise(rng, shape, 40)
    picture *= uneven_light(rng, shape, rng.uniform(0.2, 0.7))
    picture = blur(picture, rng.uniform(0.6, 1.1)) * rng.uniform(0.8, 1.2)
    return camera_noise(
        rng, picture, rng.uniform(700, 3000), rng.uniform(0.004, 0.012)
    )
