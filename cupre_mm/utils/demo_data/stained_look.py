"""Bright-field microscopy of stained cells: purple nuclei, pink bodies."""

import numpy as np

from .cell_layout import CellLayout, LayoutStyle, nuclei_of
from .noise_fields import (
    blur,
    camera_noise,
    fractal_noise,
    specks,
    uneven_light,
)

TISSUE = LayoutStyle(
    aspect=(1.0, 1.6), roughness=0.14, spread=0.2, crowding=0.65
)
SMEAR = LayoutStyle(
    aspect=(1.0, 1.25), roughness=0.05, spread=0.1, crowding=0.45
)
NUCLEUS = LayoutStyle(aspect=(1.0, 1.5), roughness=0.1, spread=0, crowding=0)

# Optical densities of the dyes in red, green and blue. Haematoxylin is
# Ruifrok and Johnston's, "Quantification of histochemical staining by color
# deconvolution" (2001); the others are our choice, matched by eye.
HAEMATOXYLIN = np.array([0.65, 0.70, 0.29], np.float32)
EOSIN = np.array([0.10, 0.72, 0.30], np.float32)
AZURE = np.array([0.48, 0.80, 0.20], np.float32)
HAEMOGLOBIN = np.array([0.20, 0.50, 0.42], np.float32)


def render_tissue(rng: np.random.Generator, layout: CellLayout) -> np.ndarray:
    """Draw cells stained with haematoxylin and eosin.

    Args:
        rng (np.random.Generator): Source of randomness.
        layout (CellLayout): The cells, nucleus and body.

    Returns:
        np.ndarray: float32 RGB picture of shape (H, W, 3), white is 1.
    """
    shape, radius = layout.shape, layout.radius
    cells = len(layout.outlines)
    nuclei = nuclei_of(rng, layout, (0.42, 0.62), NUCLEUS)
    nuclei = blur(nuclei.astype(np.float32), 0.7)
    chromatin = fractal_noise(rng, shape, max(2.0, 0.25 * radius))
    grain = fractal_noise(rng, shape, max(2.5, 0.3 * radius))
    fibres = np.abs(fractal_noise(rng, shape, 1.2 * radius))
    fibres = np.exp(-((fibres / 0.22) ** 2))
    body = blur((layout.labels > 0).astype(np.float32), 0.6)
    membrane = body * np.exp(-((layout.margin / 1.6) ** 2))

    strength = layout.per_cell(rng.uniform(0.75, 1.25, cells))
    eosin = strength * (0.30 + 0.05 * grain) + 0.16 * membrane
    eosin = blur(eosin, 0.5) * (1 - 0.5 * nuclei)
    ground = rng.uniform(0.0, 0.12)
    eosin += (1 - body) * (ground + rng.uniform(0.03, 0.15) * fibres)
    dark = layout.per_cell(rng.uniform(0.75, 1.35, cells))
    haematoxylin = nuclei * blur(dark, 1.0) * (0.85 + 0.17 * chromatin)
    haematoxylin += 0.08 * body
    density = (
        rng.uniform(0.75, 1.1) * haematoxylin[..., None] * _tint(rng)
        + rng.uniform(0.8, 1.2) * eosin[..., None] * EOSIN
    )
    return _through_microscope(rng, density)


def render_smear(rng: np.random.Generator, layout: CellLayout) -> np.ndarray:
    """Draw a Giemsa-stained blood smear.

    Most cells are red and paler in their middle; the largest and a few
    more are white cells with a lobed nucleus.

    Args:
        rng (np.random.Generator): Source of randomness.
        layout (CellLayout): Red and white cells.

    Returns:
        np.ndarray: float32 RGB picture of shape (H, W, 3), white is 1.
    """
    shape, radius = layout.shape, layout.radius
    radii = np.array([outline.radius for outline in layout.outlines])
    white = rng.uniform(size=len(radii)) < 0.15
    white[radii.argmax()] = True
    lobes = np.where(white, rng.integers(1, 4, len(radii)), 0)
    nuclei = nuclei_of(rng, layout, (0.6, 0.78), NUCLEUS, lobes)
    nuclei = blur(nuclei.astype(np.float32), 0.7)
    grain = fractal_noise(rng, shape, 2.5)
    chromatin = fractal_noise(rng, shape, max(2.0, 0.3 * radius))

    rim = 1 - np.exp(-layout.margin / 0.9)
    hollow = 1 - np.exp(-((layout.margin / (0.55 * radius)) ** 3))
    pallor = layout.per_cell(rng.uniform(0.2, 0.75, len(radii)))
    red = layout.per_cell(~white * rng.uniform(0.4, 0.62, len(radii)))
    red *= rim * (1 - pallor * hollow) * (1 + 0.03 * grain)
    plasma = layout.per_cell(white * rng.uniform(0.12, 0.3, len(radii)))
    plasma *= rim * np.clip(1 + 0.35 * grain, 0, 2)
    purple = nuclei * (1.0 + 0.13 * chromatin) + plasma * (1 - nuclei)
    platelets = specks(rng, shape, rng.integers(0, 6), (0.8, 1.6))
    purple += 0.5 * platelets
    density = (
        rng.uniform(0.9, 1.2) * purple[..., None] * AZURE
        + rng.uniform(0.7, 1.0) * red[..., None] * HAEMOGLOBIN
        + 0.05 * plasma[..., None] * EOSIN
    )
    return _through_microscope(rng, density)


def _tint(rng: np.random.Generator) -> np.ndarray:
    """Haematoxylin's colour varies from laboratory to laboratory."""
    return HAEMATOXYLIN * rng.uniform(0.85, 1.15, 3).astype(np.float32)


def _through_microscope(
    rng: np.random.Generator, density: np.ndarray
) -> np.ndarray:
    """Turn optical density into a lit, slightly blurred, noisy picture."""
    shape = density.shape[:2]
    density = density + 0.015 * fractal_noise(rng, shape, 8)[..., None]
    dust = specks(rng, shape, rng.integers(0, 3), (0.8, 2.0))
    density = density + 0.4 * dust[..., None]
    lamp = np.array([1.0, 0.985, 0.96]) * rng.uniform(0.94, 1.0, 3)
    light = uneven_light(rng, shape, rng.uniform(0.05, 0.35))
    picture = light[..., None] * lamp * 10 ** (-density)
    picture = blur(picture, rng.uniform(0.5, 1.0))
    return camera_noise(
        rng, 0.97 * picture, rng.uniform(1500, 6000), rng.uniform(0.003, 0.01)
    )
