"""What classes are called in files."""

from __future__ import annotations

from cupre_mm.apis.segmentation import Segmentation


def class_names(segmentation: Segmentation) -> tuple[str, ...]:
    """Name all classes, those too that the model has no name for.

    Args:
        segmentation (Segmentation): The cells.

    Returns:
        tuple[str, ...]: A name for each class; ``'cell'`` if there is one
        without a name, ``'class 3'`` if there are more.
    """
    known = segmentation.classes
    count = max([len(known), 1, *(int(i) + 1 for i in segmentation.labels)])
    if count == 1:
        return known or ('cell',)
    return known + tuple(f'class {i}' for i in range(len(known), count))
