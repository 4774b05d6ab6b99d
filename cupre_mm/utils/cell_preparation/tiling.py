"""Where to cut a very large image."""


def tile_starts(length: int, size: int, overlap: int) -> list[int]:
    """First pixels of the tiles along one side.

    Every pixel is in a tile, every tile is whole, and there are no more of
    them than that takes; they are spread evenly, so neighbours may share
    more than ``overlap``.

    Args:
        length (int): Of the image's side in pixels.
        size (int): Of a tile's side in pixels.
        overlap (int): Pixels that neighbours share at least; less than
            ``size``.

    Returns:
        list[int]: Rising; only 0 where the image is not longer than a tile.
    """
    if length <= size:
        return [0]
    count = -(-(length - overlap) // (size - overlap))
    return [i * (length - size) // (count - 1) for i in range(count)]
