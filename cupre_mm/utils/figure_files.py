"""Plots as files that are whole or absent."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from cupre_mm.utils.atomic_write import write_atomically


def save_figure(figure: Figure, path: str | Path, dpi: int) -> Path:
    """Write a figure as a PNG.

    Args:
        figure (Figure): The figure; stays open.
        path (str | Path): The file; its folder is made where it is missing.
        dpi (int): Pixels an inch.

    Returns:
        Path: The file.
    """
    content = io.BytesIO()
    figure.savefig(content, dpi=dpi, format='png')
    path = Path(path)
    write_atomically(path, content.getvalue())
    return path
