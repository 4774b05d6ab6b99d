"""Gather what a recipe needs to know of the images."""

from collections import Counter
from pathlib import Path
from typing import Any

from cupre_mm.utils.coco_json import CocoDict
from cupre_mm.utils.errors import BadConfigError

from .image_attribute import read_attribute
from .split_images import ImageTraits
from .split_recipe import APPEARANCE, SplitRecipe


def read_traits(
    coco: CocoDict,
    recipe: SplitRecipe,
    annotation_file: Path,
    image_folder: str | Path | None = None,
) -> tuple[ImageTraits, dict[str, Any]]:
    """Read cells, strata and groups of the images.

    Args:
        coco (dict): The checked annotation file.
        recipe (SplitRecipe): Says what is needed.
        annotation_file (Path): Its path, for the messages.
        image_folder (str | Path, optional): Folder of the images, for strata
            by appearance. Defaults to None.

    Returns:
        tuple[ImageTraits, dict]: The traits, and where strata and groups are
        from, by ``'stratify'`` and ``'group'``, None where there are none.

    Raises:
        MissingDataError: If a csv file or images are not there.
        BadDataError: If an image lacks an attribute or cannot be read.
        BadConfigError: If the image folder is needed and not given.
    """
    images = coco['images']
    names = {image['id']: image['file_name'] for image in images}
    cells = Counter(
        names[annotation['image_id']] for annotation in coco['annotations']
    )
    strata, groups = {}, {}
    origins: dict[str, Any] = {'stratify': None, 'group': None}
    if recipe.stratify == APPEARANCE:
        if image_folder is None:
            raise BadConfigError(
                f'strata by appearance ({APPEARANCE!r}) are read from the '
                'images: name their folder with --images'
            )
        # Decoders are slow to import, and needed here alone.
        from .appearance_strata import DEFINITION, appearance_strata

        strata = appearance_strata(image_folder, sorted(names.values()))
        origins['stratify'] = {'kind': 'appearance', 'definition': DEFINITION}
    elif recipe.stratify:
        strata, origins['stratify'] = read_attribute(
            recipe.stratify, images, annotation_file
        )
    if recipe.group:
        groups, origins['group'] = read_attribute(
            recipe.group, images, annotation_file
        )
    counts = {name: cells[name] for name in names.values()}
    return ImageTraits(counts, strata, groups), origins
