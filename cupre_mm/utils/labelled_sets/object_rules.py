"""What becomes of objects in pieces, with holes, small or cut by the border.

The rules are applied in this order: holes, components, border, size.
Components are 8-connected, holes are background that is not 4-connected with
the outside.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np

from cupre_mm.utils.errors import BadConfigError

COMPONENTS = ('keep', 'largest', 'split')
BORDER = ('keep', 'drop')


class ObjectMask(NamedTuple):
    """The pixels of one object, cut out of its image.

    Attributes:
        pixels (np.ndarray): (h, w), bool; its first and last row and column
            are not empty.
        top (int): Row of the image that ``pixels[0]`` is.
        left (int): Column of the image that ``pixels[:, 0]`` is.
    """

    pixels: np.ndarray
    top: int
    left: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.pixels))

    def touches_border(self, height: int, width: int) -> bool:
        """Whether a pixel lies in the first or last row or column.

        Args:
            height (int): Of the image, in pixels.
            width (int): Of the image, in pixels.
        """
        rows, columns = self.pixels.shape
        return (
            self.top == 0
            or self.left == 0
            or self.top + rows == height
            or self.left + columns == width
        )


def cut_out(mask: np.ndarray, top: int = 0, left: int = 0) -> ObjectMask:
    """Cut the object out of the mask of an image or of a part of it.

    Args:
        mask (np.ndarray): (H, W), bool, with at least one pixel.
        top (int): Row of the image that ``mask[0]`` is. Defaults to 0.
        left (int): Column that ``mask[:, 0]`` is. Defaults to 0.

    Returns:
        ObjectMask: The object.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    band = mask[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero(band.any(axis=0))
    return ObjectMask(
        band[:, columns[0] : columns[-1] + 1],
        top + int(rows[0]),
        left + int(columns[0]),
    )


@dataclass(frozen=True)
class ObjectRules:
    """The choices a user has; the defaults keep every object as it is.

    Attributes:
        components (str): For an object in several pieces: ``'keep'`` it
            whole, keep its ``'largest'`` piece (the first in reading order
            of equal ones), or ``'split'`` it into one object a piece.
            Defaults to ``'keep'``.
        min_area (int): Objects of fewer pixels are dropped. Defaults to 1.
        border (str): ``'keep'`` or ``'drop'`` objects with a pixel in the
            image's first or last row or column. Defaults to ``'keep'``.
        fill_holes (bool): Whether holes become part of the object, except
            where another object lies in them. Defaults to False.

    Raises:
        BadConfigError: If a value is none of these.
    """

    components: str = 'keep'
    min_area: int = 1
    border: str = 'keep'
    fill_holes: bool = False

    def __post_init__(self) -> None:
        for name, choices in (('components', COMPONENTS), ('border', BORDER)):
            value = getattr(self, name)
            if value not in choices:
                raise BadConfigError(
                    f'{name} must be one of {", ".join(choices)}, got '
                    f'{value!r}'
                )
        if self.min_area < 1:
            raise BadConfigError(
                f'min_area must be 1 pixel or more, got {self.min_area}'
            )

    def as_dict(self) -> dict[str, Any]:
        """The rules by name, for a report."""
        return asdict(self)

    def meanings(self) -> dict[str, str]:
        """What the kinds of case that :meth:`apply` returns stand for.

        Returns:
            dict[str, str]: A phrase for each kind, with what was done.
        """
        done = {
            'keep': 'kept whole',
            'largest': 'reduced to the largest',
            'split': 'split into one object each',
        }[self.components]
        holes = 'filled' if self.fill_holes else 'kept as they are'
        cut = 'kept' if self.border == 'keep' else 'dropped'
        meanings = {
            'objects_with_holes': f'objects with holes, {holes}',
            'objects_in_pieces': f'objects of several components, {done}',
            'border_objects': f'objects cut by the image border, {cut}',
        }
        if self.min_area == 1:
            return {
                **meanings,
                'one_pixel_objects': 'objects of one pixel, kept',
            }
        return {
            **meanings,
            'small_objects': f'objects of fewer than {self.min_area} pixels, '
            'dropped',
        }

    def apply(
        self,
        mask: ObjectMask,
        height: int,
        width: int,
        others: np.ndarray | None = None,
    ) -> tuple[list[ObjectMask], list[str]]:
        """Apply the rules to one object.

        Args:
            mask (ObjectMask): The object.
            height (int): Of the image, in pixels.
            width (int): Of the image, in pixels.
            others (np.ndarray, optional): (h, w) like ``mask.pixels``, bool:
                where other objects lie. Defaults to None: nowhere.

        Returns:
            tuple[list[ObjectMask], list[str]]: What is kept of it, and the
            kinds of case met, one entry for each object or piece.
        """
        cases, kept = [], []
        holes = _holes(mask.pixels)
        if holes is not None:
            cases.append('objects_with_holes')
            if self.fill_holes:
                if others is not None:
                    holes &= ~others
                mask = mask._replace(pixels=mask.pixels | holes)
        pieces = components_of(mask)
        if len(pieces) > 1:
            cases.append('objects_in_pieces')
        if self.components == 'keep':
            pieces = [mask]
        elif self.components == 'largest':
            pieces = [max(pieces, key=lambda piece: piece.area)]
        for piece in pieces:
            area = piece.area
            if piece.touches_border(height, width):
                cases.append('border_objects')
                if self.border == 'drop':
                    continue
            if area < self.min_area:
                cases.append('small_objects')
                continue
            if area == 1:
                cases.append('one_pixel_objects')
            kept.append(piece)
        return kept, cases


def components_of(mask: ObjectMask) -> list[ObjectMask]:
    """The 8-connected components of a mask.

    Args:
        mask (ObjectMask): The mask.

    Returns:
        list[ObjectMask]: In the reading order of their first pixels.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.pixels.astype(np.uint8), connectivity=8
    )
    if count == 2:
        return [mask]
    # OpenCV does not promise an order.
    found, first = np.unique(labels, return_index=True)
    components = []
    for label in found[np.argsort(first)]:
        if label == 0:
            continue
        left, top, width, height = stats[label, : cv2.CC_STAT_AREA].tolist()
        pixels = labels[top : top + height, left : left + width] == label
        components.append(ObjectMask(pixels, mask.top + top, mask.left + left))
    return components


def _holes(pixels: np.ndarray) -> np.ndarray | None:
    # One row and column of outside all round join all that is no hole.
    outside = np.pad(~pixels, 1, constant_values=True).astype(np.uint8)
    count, labels = cv2.connectedComponents(outside, connectivity=4)
    if count <= 2:
        return None
    inner = labels[1:-1, 1:-1]
    return ~pixels & (inner != labels[0, 0])
