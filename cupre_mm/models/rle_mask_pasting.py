"""From mask predictions in boxes to COCO's run-length codes.

The values are those of mmdet's ``_do_paste_mask``: its arithmetic for the
sampling points, its region round a box, the same ``grid_sample``. What is
left out is the image round the region. The points of many small regions are
sampled in one call, and only their outlines are kept.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from pycocotools import mask as mask_utils
from torch import Tensor

from cupre_mm.utils.errors import BadDataError

# Sampled at a time, about 25 bytes a pixel.
_CHUNK_PIXELS = 2**18
# Regions of a chunk are padded to one size, so they may not differ by more.
_SIZE_STEP = 8
# Below this side a box divided by it can overflow, which mmdet replaces by
# the box's middle, everywhere in the image.
_SMALLEST_SIDE = 1e-30
# pycocotools keeps its counts in 32 bits.
_MOST_PIXELS = 2**32


def paste_as_rle(
    masks: Tensor,
    boxes: Tensor,
    img_h: int,
    img_w: int,
    threshold: float,
    near_box: bool = True,
) -> list[dict]:
    """Resize masks to their boxes, binarise and encode them.

    ``pycocotools.mask.decode`` of a result is the dense mask of mmdet, and
    the code itself is what ``pycocotools.mask.encode`` makes of that.

    Args:
        masks (Tensor): Predicted foreground, from 0 to 1, (N, h, w).
        boxes (Tensor): Boxes (N, 4) as x1, y1, x2, y2 in pixels, float32.
        img_h (int): Height of the image.
        img_w (int): Width of the image.
        threshold (float): Least value of the foreground, 0 or more.
        near_box (bool): Whether nothing is set further than a pixel from
            the box, as mmdet has it on a CPU. On a GPU it samples the whole
            image: a low threshold is then reached further out, and always
            if it is 0. Defaults to True.

    Returns:
        list[dict]: N compressed run-length codes, ``size`` [img_h, img_w]
        and ``counts`` in bytes. A box that misses the image, where mmdet
        raises an error on a CPU, has an empty mask.

    Raises:
        BadDataError: If the image is too large for run-length codes.
    """
    if img_h * img_w >= _MOST_PIXELS:
        raise BadDataError(
            f'an image of {img_h} x {img_w} pixels is too large for run-'
            'length codes, which count to 2^32; cut it into tiles'
        )
    regions = _regions(boxes, masks, img_h, img_w, threshold, near_box)
    codes: list[dict | None] = [None] * len(masks)
    for chunk in _chunks(regions):
        inds = torch.from_numpy(chunk).to(boxes.device)
        pasted = _paste(masks[inds], boxes[inds], regions[chunk], threshold)
        found = _encode(pasted.cpu().numpy(), regions[chunk], img_h, img_w)
        for i, code in zip(chunk.tolist(), found):
            codes[i] = code
    return codes


def _regions(
    boxes: Tensor,
    masks: Tensor,
    img_h: int,
    img_w: int,
    threshold: float,
    near_box: bool,
) -> np.ndarray:
    """Give where each mask can be set: (N, 4) as x1, y1, x2, y2."""
    boxes = boxes.detach().cpu()
    size = boxes.new_tensor([img_w, img_h])
    low, high = boxes[:, :2].floor() - 1, boxes[:, 2:].ceil() + 1
    if not near_box:
        # Samples fall off to 0 within half a pixel of the prediction.
        side = (boxes[:, 2:] - boxes[:, :2]).abs()
        reach = side / boxes.new_tensor(masks.shape[:0:-1])
        ends = torch.stack([boxes[:, :2], boxes[:, 2:]])
        everywhere = ~((side >= _SMALLEST_SIDE) & side.isfinite())
        everywhere |= threshold <= 0
        low = (ends.amin(0) - reach).floor() - 1
        high = (ends.amax(0) + reach).ceil() + 1
        low = low.masked_fill(everywhere, 0)
        high = torch.where(everywhere, size, high)
    low, high = low.clamp(min=0), high.minimum(size)
    regions = torch.cat([low, high], dim=1)
    # Comparisons with NaN are false too.
    regions[~(high > low).all(dim=1)] = 0
    return regions.numpy().astype(np.int64)


def _chunks(regions: np.ndarray) -> Iterator[np.ndarray]:
    """Put regions of similar size together, few enough for the memory."""
    sides = regions[:, 2:] - regions[:, :2]
    kinds, kind_of, numbers = np.unique(
        -(-sides // _SIZE_STEP),
        axis=0,
        return_inverse=True,
        return_counts=True,
    )
    order = np.argsort(kind_of.reshape(-1), kind='stable')
    for kind, alike in zip(kinds, np.split(order, np.cumsum(numbers)[:-1])):
        step = max(_CHUNK_PIXELS // int((kind * _SIZE_STEP + 1).prod()), 1)
        for start in range(0, len(alike), step):
            yield alike[start : start + step]


def _paste(
    masks: Tensor, boxes: Tensor, regions: np.ndarray, threshold: float
) -> Tensor:
    """Sample and binarise: (n, columns, rows), False in the last row.

    Columns come first, as in a run-length code.
    """
    corners = torch.from_numpy(regions).to(boxes.device)
    sides = corners[:, 2:] - corners[:, :2]
    width, height = (regions[:, 2:] - regions[:, :2]).max(axis=0).tolist()
    points, inside = [], []
    for axis, length in ((0, width), (1, height + 1)):
        steps = torch.arange(length, device=boxes.device)
        pixels = corners[:, axis, None] + steps
        start, end = boxes[:, axis, None], boxes[:, axis + 2, None]
        point = (pixels.to(torch.float32) + 0.5 - start) / (end - start)
        point = point * 2 - 1
        points.append(point.masked_fill(point.isinf(), 0))
        inside.append(steps < sides[:, axis, None])
    grid = torch.stack(
        torch.broadcast_tensors(points[0][:, :, None], points[1][:, None]),
        dim=3,
    )
    sampled = F.grid_sample(
        masks[:, None].to(torch.float32), grid, align_corners=False
    )[:, 0]
    set_pixels = sampled >= threshold
    return set_pixels & inside[0][:, :, None] & inside[1][:, None]


def _encode(
    pasted: np.ndarray, regions: np.ndarray, img_h: int, img_w: int
) -> list[dict]:
    """Encode what is set in each region, as part of the whole image.

    Args:
        pasted (np.ndarray): bool, (n, columns, rows), False in the last row.
        regions (np.ndarray): Their places (n, 4) as x1, y1, x2, y2.
        img_h (int): Height of the image.
        img_w (int): Width of the image.

    Returns:
        list[dict]: n compressed run-length codes.
    """
    number, columns, rows = pasted.shape
    flat = pasted.reshape(-1)
    # The last row is not set: runs end in their column, and starts and ends
    # take turns.
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat.size and flat[0]:
        turns = np.concatenate([[0], turns])
    column, row = np.divmod(turns, rows)
    owner, column = np.divmod(column, columns)
    place = (regions[owner, 0] + column) * img_h + regions[owner, 1] + row
    # A run that fills a column to the image's lower edge goes on in the next.
    meets = (place[1:-1:2] == place[2::2]) & (owner[1:-1:2] == owner[2::2])
    kept = np.ones(len(place), bool)
    kept[1:-1:2] = kept[2::2] = ~meets
    place, owner = place[kept], owner[kept]
    uncompressed = []
    bounds = np.searchsorted(owner, np.arange(number + 1))
    for first, last in pairwise(bounds.tolist()):
        ends = np.append(place[first:last], img_h * img_w)
        counts = np.diff(ends, prepend=0)
        # pycocotools writes no last run of length 0, but a first.
        counts = counts[:-1] if len(counts) > 1 and not counts[-1] else counts
        uncompressed.append({'size': [img_h, img_w], 'counts': counts})
    return mask_utils.frPyObjects(uncompressed, img_h, img_w)
