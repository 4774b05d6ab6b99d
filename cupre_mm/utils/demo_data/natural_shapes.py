"""Scenes of many-category textured shapes that hide one another."""

from dataclasses import dataclass

import cv2
import numpy as np

from .noise_fields import Shape, blur, camera_noise
from .surface_textures import TEXTURES, paint_background, paint_texture

SHAPES = ('star', 'ring', 'blob', 'triangle', 'leaf')
CATEGORIES = tuple(
    f'{texture} {shape}' for shape in SHAPES for texture in TEXTURES
)
# An object hidden further than this would have too little left to tell
# what it is.
MIN_VISIBLE = 0.4


@dataclass(frozen=True)
class Scene:
    """One picture of textured shapes.

    Args:
        pixels (np.ndarray): uint8 RGB of shape (H, W, 3).
        categories (tuple[int, ...]): Index into ``CATEGORIES`` per object.
        masks (tuple[np.ndarray, ...]): Visible pixels per object, bool
            (H, W); no two overlap.
    """

    pixels: np.ndarray
    categories: tuple[int, ...]
    masks: tuple[np.ndarray, ...]


def draw_scene(
    rng: np.random.Generator, shape: Shape, count: tuple[int, int]
) -> Scene:
    """Put shapes before a background, back to front.

    Args:
        rng (np.random.Generator): Source of randomness.
        shape (tuple[int, int]): Height and width in pixels.
        count (tuple[int, int]): Least and greatest number of objects.

    Returns:
        Scene: Picture and visible masks; at least one object.
    """
    picture = paint_background(rng, shape)
    owner = np.zeros(shape, np.int32)
    full_areas = [0]
    categories: list[int] = []
    wanted = int(rng.integers(count[0], count[1] + 1))
    for _ in range(6 * wanted):
        if len(categories) == wanted:
            break
        category = int(rng.integers(len(CATEGORIES)))
        texture, kind = CATEGORIES[category].split()
        radius = rng.uniform(0.11, 0.26) * min(shape)
        mask = draw_shape(rng, kind, shape, radius)
        area = int(mask.sum())
        visible = np.bincount(owner[~mask], minlength=len(full_areas))
        hidden = visible < MIN_VISIBLE * np.asarray(full_areas)
        if area < 0.15 * np.pi * radius**2 or hidden[1:].any():
            continue
        period = radius * rng.uniform(0.4, 0.65)
        surface = paint_texture(rng, texture, shape, period)
        picture = _put_on(rng, picture, surface, mask, radius)
        categories.append(category)
        full_areas.append(area)
        owner[mask] = len(categories)
    picture = blur(picture, rng.uniform(0.4, 0.8))
    picture = camera_noise(rng, picture, 2500, 0.008)
    return Scene(
        pixels=np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8),
        categories=tuple(categories),
        masks=tuple(owner == i + 1 for i in range(len(categories))),
    )


def draw_shape(
    rng: np.random.Generator, kind: str, shape: Shape, radius: float
) -> np.ndarray:
    """Draw the mask of one shape at a random place and turn.

    Args:
        rng (np.random.Generator): Source of randomness.
        kind (str): One of ``SHAPES``.
        shape (tuple[int, int]): Height and width in pixels.
        radius (float): Greatest distance from the shape's centre, pixels.

    Returns:
        np.ndarray: bool (H, W).

    Raises:
        ValueError: If the kind is unknown.
    """
    theta = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    hole = None
    if kind == 'star':
        points = int(rng.integers(5, 8))
        x, y = _spikes(points, rng.uniform(0.38, 0.52))
    elif kind == 'triangle':
        corners = 2 * np.pi * np.arange(3) / 3 + rng.normal(0, 0.15, 3)
        x, y = np.cos(corners), np.sin(corners)
    elif kind == 'leaf':
        width = rng.uniform(0.38, 0.55)
        x = np.cos(theta)
        y = width * np.sin(theta) * np.abs(np.sin(theta)) ** 0.8
        y = y * (1 + 0.35 * x)
    elif kind == 'ring':
        squeeze = rng.uniform(0.75, 1.0)
        x, y = np.cos(theta), squeeze * np.sin(theta)
        inner = rng.uniform(0.4, 0.58)
        hole = (inner * x, inner * y)
    elif kind == 'blob':
        edge = np.ones_like(theta)
        for order in range(2, 6):
            phase = rng.uniform(0, 2 * np.pi)
            edge += rng.uniform(0, 0.4) / order * np.cos(order * theta + phase)
        edge /= edge.max()
        x, y = edge * np.cos(theta), edge * np.sin(theta)
    else:
        raise ValueError(f"unknown shape '{kind}': choose one of {SHAPES}")
    turn = rng.uniform(0, 2 * np.pi)
    centre = rng.uniform(0.08, 0.92, 2) * shape
    mask = _fill((x, y), centre, radius, turn, shape)
    if hole is not None:
        mask &= ~_fill(hole, centre, radius, turn, shape)
    return mask


def _spikes(points: int, inner: float) -> tuple[np.ndarray, np.ndarray]:
    angles = np.pi * np.arange(2 * points) / points
    reach = np.where(np.arange(2 * points) % 2, inner, 1.0)
    return reach * np.cos(angles), reach * np.sin(angles)


def _fill(
    curve: tuple[np.ndarray, np.ndarray],
    centre: np.ndarray,
    radius: float,
    turn: float,
    shape: Shape,
) -> np.ndarray:
    x, y = curve
    cols = centre[1] + radius * (np.cos(turn) * x - np.sin(turn) * y)
    rows = centre[0] + radius * (np.sin(turn) * x + np.cos(turn) * y)
    mask = np.zeros(shape, np.uint8)
    corners = np.rint(np.stack([cols, rows], axis=1)).astype(np.int32)
    cv2.fillPoly(mask, [corners], 1)
    return mask.astype(bool)


def _put_on(
    rng: np.random.Generator,
    picture: np.ndarray,
    surface: np.ndarray,
    mask: np.ndarray,
    radius: float,
) -> np.ndarray:
    """Lay a surface on the picture, rounded by light and casting a shadow."""
    solid = mask.astype(np.float32)
    offset = rng.uniform(-0.12, 0.12, 2) * radius
    drift = np.float32([[1, 0, offset[1]], [0, 1, offset[0]]])
    shadow = cv2.warpAffine(solid, drift, mask.shape[::-1])
    shadow = blur(shadow, 0.08 * radius + 1)[..., None]
    thick = blur(solid, 0.3 * radius)[..., None]
    light = np.clip(0.55 + 0.5 * thick, 0, 1.1)
    edge = blur(solid, 0.5)[..., None] * solid[..., None]
    ground = picture * (1 - 0.45 * shadow)
    return edge * surface * light + (1 - edge) * ground
