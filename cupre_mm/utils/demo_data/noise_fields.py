"""Random fields that textures, light and cameras are made of."""

import cv2
import numpy as np

Shape = tuple[int, int]


def smooth_noise(
    rng: np.random.Generator, shape: Shape, scale: float
) -> np.ndarray:
    """Draw a smooth random field of zero mean and unit deviation.

    A coarse grid of white noise is enlarged by cubic interpolation, which
    costs the same at every scale.

    Args:
        rng (np.random.Generator): Source of randomness.
        shape (tuple[int, int]): Height and width in pixels.
        scale (float): Size of a bump in pixels.

    Returns:
        np.ndarray: float32 field of shape (H, W).
    """
    height, width = shape
    grid = (int(height / scale) + 4, int(width / scale) + 4)
    coarse = rng.standard_normal(grid).astype(np.float32)
    size = (int(grid[1] * scale) + 1, int(grid[0] * scale) + 1)
    field = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    top, left = rng.integers(0, max(1, int(scale)), size=2)
    field = field[top : top + height, left : left + width]
    return (field - field.mean()) / (field.std() + 1e-6)


def fractal_noise(
    rng: np.random.Generator, shape: Shape, scale: float, octaves: int = 3
) -> np.ndarray:
    """Sum smooth noise over scales that halve, as natural textures do.

    Args:
        rng (np.random.Generator): Source of randomness.
        shape (tuple[int, int]): Height and width in pixels.
        scale (float): Size of the largest bumps in pixels.
        octaves (int): Number of scales. Defaults to 3.

    Returns:
        np.ndarray: float32 field of shape (H, W), zero mean, unit deviation.
    """
    field = np.zeros(shape, np.float32)
    for octave in range(octaves):
        step = max(1.0, scale / 2**octave)
        field += 0.6**octave * smooth_noise(rng, shape, step)
    return (field - field.mean()) / (field.std() + 1e-6)


def uneven_light(
    rng: np.random.Generator, shape: Shape, strength: float
) -> np.ndarray:
    """Draw an illumination field: vignetting, a slope and slow waves.

    Args:
        rng (np.random.Generator): Source of randomness.
        shape (tuple[int, int]): Height and width in pixels.
        strength (float): Fraction of the light that is lost in the darkest
            corner, about.

    Returns:
        np.ndarray: float32 factor of shape (H, W), at most about 1.
    """
    height, width = shape
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = rows / height - 0.5, cols / width - 0.5
    centre_y, centre_x = rng.uniform(-0.25, 0.25, size=2)
    vignette = (y - centre_y) ** 2 + (x - centre_x) ** 2
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * x + np.sin(angle) * y
    waves = smooth_noise(rng, shape, max(shape) / 2.5)
    light = 1 - strength * (0.9 * vignette + 0.4 * slope + 0.06 * waves)
    return np.clip(light, 0.1, 1.3).astype(np.float32)


def camera_noise(
    rng: np.random.Generator,
    signal: np.ndarray,
    photons: float,
    read_noise: float,
) -> np.ndarray:
    """Add shot noise (Poisson) and read noise (Gaussian) to a picture.

    Args:
        rng (np.random.Generator): Source of randomness.
        signal (np.ndarray): Noise-free picture, 1 is a bright object.
        photons (float): Photons that a signal of 1 stands for.
        read_noise (float): Standard deviation of the read noise, in units
            of the signal.

    Returns:
        np.ndarray: float32 picture of the same shape.
    """
    shot = rng.poisson(np.clip(signal, 0, None) * photons) / photons
    read = rng.standard_normal(signal.shape, dtype=np.float32) * read_noise
    return (shot + read).astype(np.float32)


def blur(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by a Gaussian, the usual stand-in for an optical PSF.

    Args:
        picture (np.ndarray): float32 picture of shape (H, W) or (H, W, C).
        sigma (float): Standard deviation in pixels.

    Returns:
        np.ndarray: Picture of the same shape.
    """
    return cv2.GaussianBlur(
        picture.astype(np.float32),
        (0, 0),
        sigma,
        borderType=cv2.BORDER_REFLECT,
    )


def specks(
    rng: np.random.Generator,
    shape: Shape,
    count: int,
    radius: tuple[float, float],
) -> np.ndarray:
    """Draw round soft spots: debris, granules, out-of-focus cells.

    Args:
        rng (np.random.Generator): Source of randomness.
        shape (tuple[int, int]): Height and width in pixels.
        count (int): Number of spots.
        radius (tuple[float, float]): Smallest and largest deviation of a
            spot, in pixels.

    Returns:
        np.ndarray: float32 field of shape (H, W); a spot's peak is between
        0.4 and 1.
    """
    field = np.zeros(shape, np.float32)
    for _ in range(count):
        centre_y, centre_x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        sigma, peak = rng.uniform(*radius), rng.uniform(0.4, 1.0)
        stretch = rng.uniform(0.7, 1.4)
        reach = int(4 * sigma) + 1
        top, left = (
            max(0, int(centre_y) - reach),
            max(0, int(centre_x) - reach),
        )
        window = (
            slice(top, int(centre_y) + reach + 1),
            slice(left, int(centre_x) + reach + 1),
        )
        patch = field[window]
        rows, cols = np.mgrid[: patch.shape[0], : patch.shape[1]]
        y, x = rows + top - centre_y, cols + left - centre_x
        squared = (y * stretch) ** 2 + (x / stretch) ** 2
        spot = peak * np.exp(-squared / (2 * sigma**2))
        np.maximum(patch, spot.astype(np.float32), out=patch)
    return field
