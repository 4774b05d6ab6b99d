"""How large a pixel is, as TIFF files tell it in three ways."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import tifffile

# Micrometres in a unit, by the names that files give it.
_MICROMETRES = {
    **dict.fromkeys(('micron', 'microns', 'micrometer', 'micrometre'), 1.0),
    **dict.fromkeys(('um', 'µm', 'μm', '\\u00b5m', '\\u03bcm'), 1.0),
    **dict.fromkeys(('nm', 'nanometer', 'nanometre'), 1e-3),
    **dict.fromkeys(('mm', 'millimeter', 'millimetre'), 1e3),
    **dict.fromkeys(('cm', 'centimeter', 'centimetre'), 1e4),
    **dict.fromkeys(('m', 'meter', 'metre'), 1e6),
    **dict.fromkeys(('inch', 'in', 'inches'), 25400.0),
    **dict.fromkeys(('å', 'a', 'angstrom'), 1e-4),
    'pm': 1e-6,
}
# A size in pixels of a print: 72, 300 or 1,200 dots an inch say nothing of
# the object. No printer has dots of less than 20 µm.
_SMALLEST_DOT = 20.0


def read_pixel_size(
    tiff: tifffile.TiffFile, series: int = 0
) -> tuple[float, float] | None:
    """Find out the size of a pixel.

    The description of OME-TIFF counts before ImageJ's, and both before the
    resolution that any TIFF may have. That one counts only where a pixel is
    smaller than 20 µm: programs write 72 or 300 dots per inch into it
    without knowing anything of the object.

    Args:
        tiff (tifffile.TiffFile): The open file.
        series (int): Which image series. Defaults to 0.

    Returns:
        tuple[float, float]: Height and width of a pixel in µm, or None where
        the file does not tell.
    """
    if tiff.is_ome and tiff.ome_metadata:
        size = _ome_size(tiff.ome_metadata, series)
        if size is not None:
            return size
    page = tiff.series[series].keyframe
    resolution = _resolution(page)
    if resolution is None:
        return None
    if tiff.is_imagej:
        unit = str((tiff.imagej_metadata or {}).get('unit', ''))
        scale = _MICROMETRES.get(unit.strip().lower())
        if scale is not None:
            return _checked(*(scale / value for value in resolution))
    unit = page.tags.get('ResolutionUnit')
    scale = {2: 25400.0, 3: 1e4}.get(int(unit.value) if unit else 2)
    if scale is None:
        return None
    size = _checked(*(scale / value for value in resolution))
    return size if size and max(size) < _SMALLEST_DOT else None


def _ome_size(text: str, series: int) -> tuple[float, float] | None:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    images = [one for one in root.iter() if one.tag.endswith('}Pixels')]
    if series >= len(images):
        return None
    sizes = []
    for axis in 'YX':
        value = images[series].get(f'PhysicalSize{axis}')
        unit = images[series].get(f'PhysicalSize{axis}Unit', 'µm')
        scale = _MICROMETRES.get(unit.strip().lower())
        if value is None or scale is None:
            return None
        try:
            sizes.append(float(value) * scale)
        except ValueError:
            return None
    return _checked(*sizes)


def _resolution(page: tifffile.TiffPage) -> tuple[float, float] | None:
    """Pixels of a unit, down and across."""
    values = []
    for name in ('YResolution', 'XResolution'):
        tag = page.tags.get(name)
        if tag is None:
            return None
        parts = tag.value if isinstance(tag.value, tuple) else (tag.value, 1)
        if len(parts) != 2 or not parts[0] or not parts[1]:
            return None
        values.append(parts[0] / parts[1])
    return values[0], values[1]


def _checked(height: float, width: float) -> tuple[float, float] | None:
    good = all(math.isfinite(v) and v > 0 for v in (height, width))
    return (height, width) if good else None
