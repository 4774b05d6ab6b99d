"""Cell pictures of each look, as files of that look hold them."""

from dataclasses import dataclass

import numpy as np

from . import fluorescence_look, phase_look, stained_look
from .cell_layout import CellLayout, grow_layout
from .noise_fields import Shape

LOOKS = ('phase', 'fluorescence', 'stained')


@dataclass(frozen=True)
class CellPicture:
    """One rendered picture with its cells.

    Args:
        pixels (np.ndarray): (H, W) or RGB (H, W, 3), uint8 or uint16.
        layout (CellLayout): The cells in the picture.
    """

    pixels: np.ndarray
    layout: CellLayout


def draw_cells(
    rng: np.random.Generator,
    look: str,
    shape: Shape,
    count: tuple[int, int],
    bits: int = 8,
) -> CellPicture:
    """Lay out cells and render them in a look.

    Args:
        rng (np.random.Generator): Source of randomness.
        look (str): One of ``LOOKS``.
        shape (tuple[int, int]): Height and width in pixels.
        count (tuple[int, int]): Least and greatest number of cells.
        bits (int): 8, or 16 for a fluorescence picture in camera counts.
            Defaults to 8.

    Returns:
        CellPicture: The picture; gray, or RGB for the stained look.

    Raises:
        ValueError: If the look is unknown or does not come in ``bits``.
    """
    number = int(rng.integers(count[0], count[1] + 1))
    if look == 'fluorescence':
        fill = rng.uniform(0.08, 0.32)
        style = fluorescence_look.STYLE
        layout = grow_layout(rng, shape, number, fill, style)
        signal = fluorescence_look.render_fluorescence(rng, layout)
        pixels = _expose(rng, signal, bits)
    elif bits != 8:
        raise ValueError(f'the {look} look has 8 bits, not {bits}')
    elif look == 'phase':
        fill = rng.uniform(0.2, 0.55)
        layout = grow_layout(rng, shape, number, fill, phase_look.STYLE)
        pixels = _to_bytes(phase_look.render_phase(rng, layout))
    elif look == 'stained':
        smear = rng.uniform() < 0.5
        fill = rng.uniform(0.3, 0.6)
        style = stained_look.SMEAR if smear else stained_look.TISSUE
        layout = grow_layout(rng, shape, number, fill, style)
        render = (
            stained_look.render_smear if smear else stained_look.render_tissue
        )
        pixels = _to_bytes(render(rng, layout))
    else:
        raise ValueError(f"unknown look '{look}': choose one of {LOOKS}")
    return CellPicture(pixels=pixels, layout=layout)


def _expose(
    rng: np.random.Generator, signal: np.ndarray, bits: int
) -> np.ndarray:
    """Digitise fluorescence: cameras use a small part of their range."""
    if bits == 16:
        counts = 100 + rng.uniform(500, 3000) * signal
        return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
    return _to_bytes(signal * rng.uniform(0.14, 0.6) + 0.01)


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)
