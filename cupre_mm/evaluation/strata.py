"""Groups of images, such as those of a cell type, that are scored apart."""

from collections.abc import Iterable, Mapping

from cupre_mm.utils.errors import BadConfigError

from .coco_annotations import shorten


def assign_strata(
    strata: str | Mapping,
    images: Iterable[Mapping],
    source: str,
) -> dict[int, str]:
    """Find the stratum of each image.

    Args:
        strata (str or Mapping): A key of the images of the annotation file,
            such as ``'cell_type'``, or the stratum by image id or file name.
        images (Iterable[Mapping]): The images of the annotation file.
        source (str): What to call the file in messages.

    Returns:
        dict[int, str]: Stratum by image id; images without one are absent.

    Raises:
        BadConfigError: If no image has one.
    """
    images = list(images)
    found = {}
    for image in images:
        if isinstance(strata, str):
            stratum = image.get(strata)
        else:
            stratum = strata.get(image['id'])
            if stratum is None:
                stratum = strata.get(image.get('file_name'))
        if stratum is not None:
            found[image['id']] = str(stratum)
    if images and not found:
        if isinstance(strata, str):
            keys = sorted({key for image in images for key in image})
            wanted = f'the key {strata!r}; they have {shorten(keys)}'
        else:
            names = shorten(list(strata))
            wanted = f'an id or a file name among those given: {names}'
        raise BadConfigError(
            f"CellMetric's strata: no image of {source} has {wanted}. Name "
            'another key, give a mapping from file name to stratum, or set '
            'strata=None'
        )
    return found
