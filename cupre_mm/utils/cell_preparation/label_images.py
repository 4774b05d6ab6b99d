"""Tells label images, which are no photographs, by their looks."""

import numpy as np

_FLAT_SHARE = 0.9


def looks_like_labels(image: np.ndarray) -> bool:
    """Guess whether an image holds ids of objects instead of intensities.

    In a label image neighbouring pixels are nearly always equal, not only
    on the ground but within the objects: their edges alone differ. Noise
    makes this rare in photographs, though one that is saturated nearly
    everywhere, or drawn, can be mistaken.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), values as stored.

    Returns:
        bool: Whether half of all neighbours are equal, and 90 % of those of
        which none has the commonest value. No for images of floats that are
        not whole numbers, for constant ones and for ones whose objects are
        single pixels.
    """
    ids = _one_value_a_pixel(image)
    if ids is None or min(ids.shape) < 2:
        return False
    equal = [ids[1:] == ids[:-1], ids[:, 1:] == ids[:, :-1]]
    # Sorting out which value is the ground is slow, and few images need it.
    if sum(np.count_nonzero(e) for e in equal) < 0.5 * sum(
        e.size for e in equal
    ):
        return False
    values, counts = np.unique(ids, return_counts=True)
    if len(values) < 2:
        return False
    objects = ids != values[counts.argmax()]
    inside = [
        objects[1:] & objects[:-1],
        objects[:, 1:] & objects[:, :-1],
    ]
    pairs = sum(int(i.sum()) for i in inside)
    flat = sum(int((e & i).sum()) for e, i in zip(equal, inside))
    return pairs > 0 and flat >= _FLAT_SHARE * pairs


def _one_value_a_pixel(image: np.ndarray) -> np.ndarray | None:
    if image.dtype.kind == 'f' and not (image == np.rint(image)).all():
        return None
    if image.ndim == 2:
        return image
    packed = np.zeros(image.shape[:2], np.int64)
    for channel in np.moveaxis(image, -1, 0):
        packed = packed * 65_537 + channel.astype(np.int64)
    return packed
