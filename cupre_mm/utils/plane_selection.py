"""Which images to make of a stack: choose, project or split its axes."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.stack_layout import ImageStack, StackLayout

PROJECTIONS = ('max', 'mean')
SPLIT = 'split'
MIDDLE = 'middle'

# Axis, its letter in file names and digits of its number there.
_AXES = (('t', 't', 3), ('z', 'z', 3), ('page', 'p', 3), ('channel', 'c', 1))
_MEANINGS = {
    't': 'points in time',
    'z': 'Z planes',
    'page': 'pages',
    'channel': 'channels',
}


@dataclass(frozen=True)
class PlaneSelection:
    """What becomes of each axis that is longer than one.

    An axis is ``'split'`` into one image for each position, projected by
    ``'max'`` or ``'mean'``, or one position is chosen: ``'middle'`` or its
    number from 0. None asks for a file without that axis: a longer one is
    an error.

    Args:
        t (str | int, optional): Time. Defaults to None.
        z (str | int, optional): Depth. Defaults to None.
        page (str | int, optional): Pages of a TIFF that says no more of
            them. Defaults to None.
        channel (str | int | tuple[int, ...], optional): ``'split'``, one
            number, or two or three that become red, green and blue.
            Defaults to None.

    Raises:
        BadConfigError: If a value is none of these.
    """

    t: str | int | None = None
    z: str | int | None = None
    page: str | int | None = None
    channel: str | int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ('t', 'z', 'page'):
            value = getattr(self, name)
            known = (SPLIT, *PROJECTIONS, MIDDLE, None)
            if value not in known and not _is_index(value):
                raise BadConfigError(
                    f'{name}={value!r}: give {SPLIT!r}, {MIDDLE!r}, '
                    f'{", ".join(map(repr, PROJECTIONS))} or a number from 0'
                )
        channel = self.channel
        if isinstance(channel, Sequence) and not isinstance(channel, str):
            object.__setattr__(self, 'channel', tuple(channel))
            good = len(channel) in (2, 3) and all(map(_is_index, channel))
        else:
            good = channel in (SPLIT, None) or _is_index(channel)
        if not good:
            raise BadConfigError(
                f'channel={channel!r}: give {SPLIT!r}, a number from 0, or '
                'two or three of them that become red, green and blue'
            )


@dataclass(frozen=True)
class PlannedImage:
    """One image to be made of a stack.

    Attributes:
        suffix (str): What tells it from the others of its file, as in
            ``'_z003_c1'``; empty where there is but one.
        t (int | str): Point in time, or how all of them are projected.
        z (int | str): Plane in depth, or how all of them are projected.
        page (int | str): Page, or how all of them are projected.
        channels (tuple[int, ...]): One channel, or those to be merged.
    """

    suffix: str
    t: int | str
    z: int | str
    page: int | str
    channels: tuple[int, ...]

    @property
    def is_projected(self) -> bool:
        """Whether it is made of more than one plane a channel."""
        return any(isinstance(v, str) for v in (self.t, self.z, self.page))


def plan_images(
    layout: StackLayout, selection: PlaneSelection
) -> list[PlannedImage]:
    """List the images that a selection makes of a stack.

    Args:
        layout (StackLayout): What the file holds.
        selection (PlaneSelection): What to make of it.

    Returns:
        list[PlannedImage]: In the order of time, depth, page and channel.

    Raises:
        BadDataError: If a position is not there, or an axis is longer than
            one and nothing is chosen for it.
    """
    choices = [
        [
            (value, f'_{letter}{value:0{digits}d}' if split else '')
            for value in values
        ]
        for (name, letter, digits) in _AXES
        for values, split in [_positions(layout, selection, name)]
    ]
    return [
        PlannedImage(
            suffix=''.join(suffix for _, suffix in chosen),
            t=chosen[0][0],
            z=chosen[1][0],
            page=chosen[2][0],
            channels=chosen[3][0]
            if isinstance(chosen[3][0], tuple)
            else (chosen[3][0],),
        )
        for chosen in itertools.product(*choices)
    ]


def read_planned(
    stack: ImageStack, planned: PlannedImage, rows: slice
) -> list[np.ndarray]:
    """Read rows of a planned image, one projected plane in memory.

    Planes that the file's metadata speak of and that it does not hold are
    left out of a projection.

    Args:
        stack (ImageStack): The open file.
        planned (PlannedImage): Of :func:`plan_images`.
        rows (slice): From the first row to the one after the last.

    Returns:
        list[np.ndarray]: For each channel (rows, W), or (rows, W, 3) in the
        order R, G, B, of the number type that the file has.

    Raises:
        BadDataError: If a plane cannot be decoded or none of them is there.
    """
    return [
        _read_projected(stack, planned, channel, rows)
        for channel in planned.channels
    ]


def missing_planes(stack: ImageStack, planned: PlannedImage) -> int:
    """Count the planes that a planned image needs and the file lacks.

    Args:
        stack (ImageStack): The open file.
        planned (PlannedImage): Of :func:`plan_images`.

    Returns:
        int: Planes that were never recorded.
    """
    places = itertools.product(
        *(
            range(getattr(stack.layout, name))
            if isinstance(value, str)
            else (value,)
            for name, value in _fixed_axes(planned)
        ),
        planned.channels,
    )
    return sum(not stack.has(*place) for place in places)


def merge_channels(images: Sequence[np.ndarray]) -> np.ndarray:
    """Put gray images of two or three dyes into one colour image.

    Args:
        images (Sequence[np.ndarray]): One image as it is, or two or three
            of shape (H, W) that become red, green and blue.

    Returns:
        np.ndarray: The one image, or (H, W, 3); blue is 0 where there are
        two.

    Raises:
        BadDataError: If an image to be merged has colours itself.
    """
    if len(images) == 1:
        return images[0]
    if any(image.ndim != 2 for image in images):
        raise BadDataError(
            'its channels are colour images and cannot be merged: choose one'
        )
    blank = [np.zeros_like(images[0])] * (3 - len(images))
    return np.stack([*images, *blank], axis=-1)


def read_one(stack: ImageStack, selection: PlaneSelection) -> np.ndarray:
    """Read the one image that a selection makes of a stack.

    Args:
        stack (ImageStack): The open file.
        selection (PlaneSelection): Without any ``'split'``.

    Returns:
        np.ndarray: (H, W) or (H, W, 3) in the order R, G, B.

    Raises:
        BadDataError: If the file has an axis that nothing is chosen for, or
            cannot be decoded; names the file and the option.
    """
    try:
        planned = plan_images(stack.layout, selection)
        if len(planned) > 1:
            raise BadConfigError(
                f'{selection} makes {len(planned)} images of the file '
                f'({stack.layout}), and one is wanted'
            )
        rows = slice(0, stack.layout.height)
        return merge_channels(read_planned(stack, planned[0], rows))
    except BadDataError as error:
        if str(error).startswith(str(stack.path)):
            raise
        raise BadDataError(f'{stack.path}: {error}') from error


def _is_index(value: object) -> bool:
    return (
        isinstance(value, int) and not isinstance(value, bool) and value >= 0
    )


def _positions(
    layout: StackLayout, selection: PlaneSelection, name: str
) -> tuple[list, bool]:
    """Positions of an axis, and whether file names have to tell them."""
    size, value = getattr(layout, name), getattr(selection, name)
    if _is_index(value) or isinstance(value, tuple):
        for index in value if isinstance(value, tuple) else (value,):
            if index >= size:
                raise BadDataError(
                    f'{name}={index}, but the file has {size} '
                    f'{_MEANINGS[name]}, numbered from 0 ({layout})'
                )
        return [value], False
    if size == 1:
        return [0], False
    if value is None:
        ways = "'max', 'mean', 'middle' or a number"
        if name == 'channel':
            ways = 'a number, or a list of two or three to merge,'
        raise BadDataError(
            f'the file has {size} {_MEANINGS[name]} ({layout}) and one image '
            f'is wanted: choose with {name}=, {ways} from 0'
        )
    if value == SPLIT:
        return list(range(size)), True
    return [size // 2 if value == MIDDLE else value], False


def _fixed_axes(planned: PlannedImage) -> list[tuple[str, int | str]]:
    return [('t', planned.t), ('z', planned.z), ('page', planned.page)]


def _read_projected(
    stack: ImageStack, planned: PlannedImage, channel: int, rows: slice
) -> np.ndarray:
    for name, value in _fixed_axes(planned):
        if not isinstance(value, str):
            continue
        planes = (
            _read_projected(
                stack, replace(planned, **{name: i}), channel, rows
            )
            for i in range(getattr(stack.layout, name))
            if _has_any(stack, replace(planned, **{name: i}), channel)
        )
        return _PROJECT[value](planes)
    place = (planned.t, planned.z, planned.page, channel)
    if not stack.has(*place):
        raise BadDataError(
            f'plane {place} (time, depth, page, channel) is not in the file'
        )
    return stack.read(*place, rows)


def _has_any(stack: ImageStack, planned: PlannedImage, channel: int) -> bool:
    wanted = replace(planned, channels=(channel,))
    sizes = [
        getattr(stack.layout, name)
        for name, value in _fixed_axes(planned)
        if isinstance(value, str)
    ]
    return missing_planes(stack, wanted) < int(np.prod(sizes, dtype=int))


def _brightest(planes: itertools.chain) -> np.ndarray:
    result = None
    for plane in planes:
        # NaN gives way to a number.
        result = plane if result is None else np.fmax(result, plane)
    return _there(result)


def _average(planes: itertools.chain) -> np.ndarray:
    total = counted = kind = None
    for plane in planes:
        if total is None:
            kind = plane.dtype
            total = np.zeros(plane.shape, np.float64)
            counted = np.zeros(plane.shape, np.uint32)
        usable = np.isfinite(plane) if kind.kind == 'f' else True
        np.add(total, plane, out=total, where=usable)
        np.add(counted, 1, out=counted, where=usable)
    with np.errstate(invalid='ignore'):
        mean = _there(total) / counted
    return (mean if kind.kind == 'f' else np.rint(mean)).astype(kind)


def _there(result: np.ndarray | None) -> np.ndarray:
    if result is None:
        raise BadDataError('none of the planes to project is in the file')
    return result


_PROJECT: dict[str, Callable] = {'max': _brightest, 'mean': _average}
