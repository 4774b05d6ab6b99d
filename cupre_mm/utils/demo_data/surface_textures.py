"""Textures that cover the natural shapes and their backgrounds."""

import numpy as np

from .noise_fields import Shape, fractal_noise, smooth_noise, uneven_light

TEXTURES = ('striped', 'dotted', 'checked', 'marbled')


def random_colour(
    rng: np.random.Generator, low: float = 0.1, high: float = 0.95
) -> np.ndarray:
    """Draw an RGB colour.

    Args:
        rng (np.random.Generator): Source of randomness.
        low (float): Least value of a channel. Defaults to 0.1.
        high (float): Greatest value of a channel. Defaults to 0.95.

    Returns:
        np.ndarray: float32 colour of shape (3,).
    """
    return rng.uniform(low, high, 3).astype(np.float32)


def paint_texture(
    rng: np.random.Generator, texture: str, shape: Shape, period: float
) -> np.ndarray:
    """Paint a two-coloured texture.

    Args:
        rng (np.random.Generator): Source of randomness.
        texture (str): One of ``TEXTURES``.
        shape (tuple[int, int]): Height and width in pixels.
        period (float): Pixels from one stripe, dot or square to the next.

    Returns:
        np.ndarray: float32 RGB picture of shape (H, W, 3), white is 1.

    Raises:
        ValueError: If the texture is unknown.
    """
    rows, cols = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    bend = 0.35 * smooth_noise(rng, shape, 2.5 * period)
    turns = 2 * np.pi / period
    along = turns * (np.cos(angle) * cols + np.sin(angle) * rows) + bend
    across = turns * (np.cos(angle) * rows - np.sin(angle) * cols) + bend
    if texture == 'striped':
        wave = np.sin(along)
    elif texture == 'dotted':
        wave = np.cos(along) + np.cos(across) - 0.75
    elif texture == 'checked':
        wave = 2 * np.sin(along / 2) * np.sin(across / 2)
    elif texture == 'marbled':
        wave = np.sin(0.6 * along + 2.2 * fractal_noise(rng, shape, period))
        wave *= 0.5
    else:
        raise ValueError(
            f"unknown texture '{texture}': choose one of {TEXTURES}"
        )
    first, second = _two_colours(rng)
    share = 1 / (1 + np.exp(-5 * wave))[..., None]
    picture = share * first + (1 - share) * second
    return picture + 0.03 * fractal_noise(rng, shape, 4)[..., None]


def paint_background(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Paint ground, cloth or wall: muted, without hard repeating edges.

    Args:
        rng (np.random.Generator): Source of randomness.
        shape (tuple[int, int]): Height and width in pixels.

    Returns:
        np.ndarray: float32 RGB picture of shape (H, W, 3), white is 1.
    """
    gray = rng.uniform(0.25, 0.75)
    first = np.clip(gray + rng.normal(0, 0.1, 3), 0.05, 0.95)
    second = np.clip(first + rng.normal(0, 0.05, 3), 0.05, 0.95)
    second = np.clip(second + rng.uniform(-0.25, 0.25), 0.05, 0.95)
    scale = rng.uniform(8, 60)
    cloud = fractal_noise(rng, shape, scale, octaves=5)
    share = 1 / (1 + np.exp(-2 * cloud))[..., None]
    picture = share * first + (1 - share) * second
    if rng.uniform() < 0.35:
        rows, cols = np.mgrid[0 : shape[0], 0 : shape[1]]
        angle, period = rng.uniform(0, np.pi), rng.uniform(3, 9)
        weave = np.cos(angle) * cols + np.sin(angle) * rows
        picture += 0.04 * np.sin(2 * np.pi * weave / period)[..., None]
    picture += 0.03 * smooth_noise(rng, shape, 1.5)[..., None]
    return picture * uneven_light(rng, shape, rng.uniform(0.2, 0.8))[..., None]


def _two_colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two colours far enough apart for the pattern to show."""
    first = random_colour(rng)
    second = random_colour(rng)
    while np.abs(first - second).sum() < 0.9:
        second = random_colour(rng)
    return first, second
