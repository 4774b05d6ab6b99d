"""Where cells lie and how they are outlined, before any look is drawn."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .noise_fields import Shape

# Two cells may share this much of either before the contact line splits
# them: more would be a stack of cells rather than neighbours that touch.
MAX_OVERLAP = 0.18
MIN_AREA = 16


@dataclass(frozen=True)
class Outline:
    """A closed star-shaped curve: an ellipse with Fourier perturbations.

    Args:
        centre (tuple[float, float]): Row and column of the centre, pixels.
        radius (float): Geometric mean of the half axes, pixels.
        aspect (float): Long half axis over short half axis.
        angle (float): Direction of the long axis, radians.
        waves (np.ndarray): Relative amplitude and phase of the harmonics 2,
            3, ..., shape (K, 2).
    """

    centre: tuple[float, float]
    radius: float
    aspect: float
    angle: float
    waves: np.ndarray

    def distance(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Relative distance from the centre: below 1 inside the curve.

        Args:
            rows (np.ndarray): Row coordinates, pixels.
            cols (np.ndarray): Column coordinates, pixels.

        Returns:
            np.ndarray: Distance over the curve's radius in that direction.
        """
        y, x = rows - self.centre[0], cols - self.centre[1]
        along = np.cos(self.angle) * x + np.sin(self.angle) * y
        across = np.cos(self.angle) * y - np.sin(self.angle) * x
        stretch = np.sqrt(self.aspect)
        along, across = along / stretch, across * stretch
        theta = np.arctan2(across, along)
        edge = np.ones_like(theta)
        for order, (amplitude, phase) in enumerate(self.waves, start=2):
            edge += amplitude * np.cos(order * theta + phase)
        return np.hypot(along, across) / (self.radius * np.maximum(edge, 0.25))

    def window(self, shape: Shape) -> tuple[slice, slice]:
        """Smallest safe window of the picture that holds the curve.

        Args:
            shape (tuple[int, int]): Height and width of the picture.

        Returns:
            tuple[slice, slice]: Rows and columns.
        """
        swell = 1 + np.abs(self.waves[:, 0]).sum()
        reach = self.radius * np.sqrt(self.aspect) * swell + 2
        return tuple(
            slice(
                max(0, int(c - reach)), max(0, min(size, int(c + reach) + 1))
            )
            for c, size in zip(self.centre, shape)
        )


@dataclass(frozen=True)
class LayoutStyle:
    """How cells of one look are shaped and packed.

    Args:
        aspect (tuple[float, float]): Range of long over short axis.
        roughness (float): Relative amplitude of the outline's harmonics.
        spread (float): Relative deviation of the radius among cells.
        crowding (float): Chance that a cell is put beside another one.
    """

    aspect: tuple[float, float]
    roughness: float
    spread: float
    crowding: float


@dataclass(frozen=True)
class CellLayout:
    """The cells of one picture.

    Args:
        labels (np.ndarray): int32 (H, W); 0 is background, i + 1 the pixels
            of ``outlines[i]``. A pixel belongs to at most one cell.
        margin (np.ndarray): float32 (H, W), distance in pixels from a cell's
            pixel to the rim of its own cell; 0 in the background.
        outlines (tuple[Outline, ...]): The curves the cells grew from.
    """

    labels: np.ndarray
    margin: np.ndarray
    outlines: tuple[Outline, ...]

    @property
    def shape(self) -> Shape:
        """Height and width in pixels."""
        return self.labels.shape

    @property
    def radius(self) -> float:
        """Median radius of the cells, pixels."""
        return float(np.median([o.radius for o in self.outlines]))

    def per_cell(self, values: np.ndarray) -> np.ndarray:
        """Spread one value per cell over the pixels of the cells.

        Args:
            values (np.ndarray): One value per cell, shape (N,).

        Returns:
            np.ndarray: float32 (H, W), 0 in the background.
        """
        table = np.concatenate([[0.0], values]).astype(np.float32)
        return table[self.labels]


def draw_outline(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius: float,
    style: LayoutStyle,
) -> Outline:
    """Draw a random curve of a style.

    Args:
        rng (np.random.Generator): Source of randomness.
        centre (tuple[float, float]): Row and column, pixels.
        radius (float): Mean radius, pixels.
        style (LayoutStyle): Range of aspects and roughness.

    Returns:
        Outline: The curve.
    """
    orders = np.arange(2, 7)
    amplitudes = style.roughness * rng.uniform(0, 1, 5) * 2 / orders
    phases = rng.uniform(0, 2 * np.pi, 5)
    return Outline(
        centre=centre,
        radius=radius,
        aspect=rng.uniform(*style.aspect),
        angle=rng.uniform(0, np.pi),
        waves=np.stack([amplitudes, phases], axis=1),
    )


def grow_layout(
    rng: np.random.Generator,
    shape: Shape,
    count: int,
    fill: float,
    style: LayoutStyle,
) -> CellLayout:
    """Place cells until the asked number lies or no room is left.

    Where two cells meet, each pixel goes to the nearer one in relative
    distance, so that neighbours press flat against each other.

    Args:
        rng (np.random.Generator): Source of randomness.
        shape (tuple[int, int]): Height and width in pixels.
        count (int): Number of cells to place.
        fill (float): Share of the picture that the cells cover, about.
        style (LayoutStyle): Shape and packing of the cells.

    Returns:
        CellLayout: The cells; at least one.
    """
    typical = np.sqrt(fill * shape[0] * shape[1] / (count * np.pi))
    nearest = np.ones(shape, np.float32)
    labels = np.zeros(shape, np.int32)
    outlines: list[Outline] = []
    areas = [0]
    for _ in range(25 * count):
        if len(outlines) == count:
            break
        radius = typical * np.clip(rng.normal(1, style.spread), 0.55, 1.9)
        centre = _pick_centre(rng, shape, radius, outlines, style.crowding)
        outline = draw_outline(rng, centre, radius, style)
        window = outline.window(shape)
        rows, cols = np.ogrid[window]
        distance = outline.distance(rows, cols).astype(np.float32)
        inside = distance < 1
        area = int(inside.sum())
        if area < max(MIN_AREA, 0.3 * np.pi * radius**2):
            continue
        shared = np.bincount(labels[window][inside], minlength=len(areas))
        shared[0] = 0
        too_much = shared > MAX_OVERLAP * np.minimum(areas, area)
        if (too_much & (shared > 0)).any():
            continue
        outlines.append(outline)
        areas.append(area)
        won = inside & (distance < nearest[window])
        nearest[window][won] = distance[won]
        labels[window][won] = len(outlines)
    return _finish(labels, outlines)


def nuclei_of(
    rng: np.random.Generator,
    layout: CellLayout,
    scale: tuple[float, float],
    style: LayoutStyle,
    lobes: np.ndarray | int = 1,
) -> np.ndarray:
    """Draw a nucleus into each cell.

    Args:
        rng (np.random.Generator): Source of randomness.
        layout (CellLayout): The cells.
        scale (tuple[float, float]): Range of the nucleus' radius over the
            cell's.
        style (LayoutStyle): Shape of a nucleus.
        lobes (np.ndarray | int): Number of lobes of each cell's nucleus; 0
            draws none. Defaults to 1.

    Returns:
        np.ndarray: bool (H, W), True within a nucleus.
    """
    nuclei = np.zeros(layout.shape, bool)
    lobes = np.broadcast_to(lobes, len(layout.outlines))
    for index, outline in enumerate(layout.outlines):
        radius = outline.radius * rng.uniform(*scale)
        start = rng.uniform(0, 2 * np.pi)
        for lobe in range(lobes[index]):
            turn = start + lobe * rng.uniform(1.3, 1.8)
            reach = outline.radius * (0.1 if lobes[index] == 1 else 0.32)
            centre = (
                outline.centre[0] + reach * np.sin(turn),
                outline.centre[1] + reach * np.cos(turn),
            )
            size = radius / np.sqrt(lobes[index])
            part = draw_outline(rng, centre, size, style)
            window = part.window(layout.shape)
            rows, cols = np.ogrid[window]
            own = layout.labels[window] == index + 1
            nuclei[window] |= own & (part.distance(rows, cols) < 1)
    return nuclei & (layout.margin > 1.5)


def _pick_centre(
    rng: np.random.Generator,
    shape: Shape,
    radius: float,
    outlines: list[Outline],
    crowding: float,
) -> tuple[float, float]:
    if not outlines or rng.uniform() >= crowding:
        return rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
    neighbour = outlines[rng.integers(len(outlines))]
    gap = (neighbour.radius + radius) * rng.uniform(0.82, 1.0)
    turn = rng.uniform(0, 2 * np.pi)
    return (
        neighbour.centre[0] + gap * np.sin(turn),
        neighbour.centre[1] + gap * np.cos(turn),
    )


def _finish(labels: np.ndarray, outlines: list[Outline]) -> CellLayout:
    """Keep each cell's largest piece, renumber, and measure the margins."""
    final = np.zeros_like(labels)
    margin = np.zeros(labels.shape, np.float32)
    kept = []
    for index, window in enumerate(ndimage.find_objects(labels)):
        if window is None:
            continue
        pieces, number = ndimage.label(labels[window] == index + 1)
        sizes = np.bincount(pieces.ravel(), minlength=number + 1)
        sizes[0] = 0
        if sizes.max() < MIN_AREA:
            continue
        piece = pieces == sizes.argmax()
        kept.append(outlines[index])
        final[window][piece] = len(kept)
        margin[window][piece] = _distance_to_rim(piece, window, labels.shape)
    return CellLayout(labels=final, margin=margin, outlines=tuple(kept))


def _distance_to_rim(
    piece: np.ndarray, window: tuple[slice, slice], shape: Shape
) -> np.ndarray:
    """Distance of a cell's pixels to its rim; the picture's edge is none."""
    padding = [
        (int(cut.start > 0), int(cut.stop < size))
        for cut, size in zip(window, shape)
    ]
    distance = ndimage.distance_transform_edt(np.pad(piece, padding))
    (top, bottom), (left, right) = padding
    distance = distance[
        top : distance.shape[0] - bottom, left : distance.shape[1] - right
    ]
    return distance[piece]
