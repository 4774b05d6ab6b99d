"""Brings intensities of any bit depth and exposure to one range."""

import numpy as np


def stretch_to_uint8(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Stretch an image between two of its percentiles.

    Args:
        image (np.ndarray): Any shape, any real number type.
        low (float): Percentile that becomes 0.
        high (float): Percentile that becomes 255.

    Returns:
        np.ndarray: The same shape, uint8. What lies outside the two
        percentiles saturates; NaN becomes 0, a constant image zeros. Where
        the percentiles coincide, the least and greatest value take their
        place.
    """
    values = image
    if image.dtype.kind == 'f':
        values = image[np.isfinite(image)]
    if values.size == 0:
        return np.zeros(image.shape, np.uint8)
    bottom, top = np.percentile(values, (low, high))
    if bottom == top:
        bottom, top = float(values.min()), float(values.max())
    if bottom == top:
        return np.zeros(image.shape, np.uint8)
    # float32 holds 16 bits exactly, and not 32.
    exact = np.float32 if image.dtype.itemsize <= 2 else np.float64
    stretched = (image.astype(exact) - exact(bottom)) * exact(
        255 / (top - bottom)
    )
    stretched = np.nan_to_num(stretched, copy=False, nan=0.0)
    return np.rint(stretched.clip(0, 255)).astype(np.uint8)
