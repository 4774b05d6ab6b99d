"""Pictures like dark fluorescence: a few bright blobs on noise."""

import numpy as np


def blob_image(seed: int, height: int = 200, width: int = 260) -> np.ndarray:
    """Draw blobs at random places, (H, W), uint8, most of it nearly black."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = rng.normal(6, 1, (height, width))
    for _ in range(12):
        centre_y, centre_x = rng.uniform((0, 0), (height, width))
        radius = rng.uniform(5, 12)
        far = ((y - centre_y) ** 2 + (x - centre_x) ** 2) / radius**2
        image += rng.uniform(40, 120) * np.exp(-far)
    return image.clip(0, 255).astype(np.uint8)
