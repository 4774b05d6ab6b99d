"""What to tell a user about labels before training on them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cupre_mm.utils.dataset_inspection.light_coco import CocoBoxes
from cupre_mm.utils.leakage.image_collections import find_collections
from cupre_mm.utils.leakage.image_fingerprints import take_fingerprints
from cupre_mm.utils.leakage.leak_check import LeakPair, find_leaks
from cupre_mm.utils.own_labels.training_plan import diameters_of

_FEW_CELLS = 100
_WILD_RATIO = 3.0
_UNLIKE_IMAGES = 2.0
_TINY_PIXELS = 9
_SHOWN = 3


def check_labels(boxes: CocoBoxes) -> list[str]:
    """Look at all labelled cells.

    Args:
        boxes (CocoBoxes): The cells.

    Returns:
        list[str]: Warnings.
    """
    warnings = []
    count, images = len(boxes.boxes), int((boxes.counts > 0).sum())
    if count < _FEW_CELLS:
        warnings.append(
            f'only {count} labelled cells: the scores are rough and the '
            f'model may learn little; {_FEW_CELLS} or more are better'
        )
    if images == 1:
        warnings.append(
            'all labelled cells are in one image: the model may fail on '
            'images that look different, and the scores will not tell'
        )
    empty = len(boxes.images) - images
    if empty:
        warnings.append(
            f'{empty} image(s) have a label file without a cell: they are '
            'never drawn for training; if their cells are not labelled yet, '
            'take them out of the folder, or they count as false in scores'
        )
    diameters = diameters_of(boxes)
    low, high = np.percentile(diameters, [10, 90])
    if high > _WILD_RATIO * low:
        warnings.append(
            f'diameters differ widely: a tenth of the cells is below '
            f'{low:.0f} px, a tenth above {high:.0f} px; look for specks and '
            'for several cells under one number'
        )
    by_image = {
        boxes.images[place]['file_name']: float(
            np.median(diameters[boxes.image_of == place])
        )
        for place in np.unique(boxes.image_of)
    }
    small = min(by_image, key=by_image.get)
    large = max(by_image, key=by_image.get)
    if by_image[large] > _UNLIKE_IMAGES * by_image[small]:
        warnings.append(
            f'typical diameters differ between images: {by_image[small]:.0f} '
            f'px in {small}, {by_image[large]:.0f} px in {large}; if they '
            'were taken at different magnifications, fine-tune a model for '
            'each or rescale the images to one pixel size'
        )
    tiny = int((boxes.areas < _TINY_PIXELS).sum())
    if tiny:
        warnings.append(
            f'{tiny} labelled cells have fewer than {_TINY_PIXELS} pixels: '
            'most likely slips of the brush'
        )
    return warnings


def find_pretraining_leaks(
    pretraining: Sequence[str], held_out: Sequence[Path]
) -> list[str]:
    """Look for held-out images among those of the pre-training.

    Args:
        pretraining (Sequence[str]): Folders, lists or configs of the images
            that the checkpoint was pre-trained on.
        held_out (Sequence[Path]): Images that scores are made of.

    Returns:
        list[str]: Warnings; one that says how many were compared and that
        none was found is no warning and not in it.

    Raises:
        MissingDataError: If something does not exist.
    """
    corpus = [
        str(file)
        for path in pretraining
        for collection in find_collections(path, 'train')
        for file in collection.files
    ]
    files = [str(file) for file in held_out]
    prints, bad = take_fingerprints([*corpus, *files], workers=1)
    pairs: list[LeakPair] = find_leaks(
        [prints[file] for file in corpus if file in prints],
        [prints[file] for file in files if file in prints],
    )
    warnings = []
    if pairs:
        shown = '; '.join(
            f'{Path(pair.evaluation).name} = {pair.corpus} ({pair.kind})'
            for pair in pairs[:_SHOWN]
        )
        warnings.append(
            f'{len({pair.evaluation for pair in pairs})} of {len(files)} '
            'held-out images were trained on before, so their scores say '
            f'less about new images: {shown}'
            f'{"; ..." if len(pairs) > _SHOWN else ""}'
        )
    if bad:
        warnings.append(
            f'{len(bad)} image(s) of the pre-training could not be read and '
            f'were not compared, first {next(iter(bad))}'
        )
    return warnings
