"""Work items of images with one label image or mask each."""

from pathlib import PurePosixPath
from typing import Any, NamedTuple

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.labelled_sets.coco_records import Cases
from cupre_mm.utils.labelled_sets.conversion import fingerprint
from cupre_mm.utils.labelled_sets.paired_files import PairNames, pair_files

UNLABELLED = ('skip', 'empty', 'error')


class PairItem(NamedTuple):
    """An image and its label image or mask.

    Attributes:
        name (str): What both have in common.
        image (str): The image in the source.
        label (str, optional): The label in the source; None has the image
            taken for one without objects.
        file_name (str): The image below ``OUT/images``.
        fingerprint (str): Changes when either file does.
    """

    name: str
    image: str
    label: str | None
    file_name: str
    fingerprint: str


def pair_items(
    tree: SourceTree, names: PairNames, unlabelled: str, *settings: Any
) -> tuple[list[PairItem], Cases, dict[str, str]]:
    """Find the pairs and decide on images without a label.

    Args:
        tree (SourceTree): The source.
        names (PairNames): How the files are named.
        unlabelled (str): ``'skip'`` images without a label, keep them as
            ``'empty'`` ones, or ``'error'``.
        *settings (Any): What else the records depend on.

    Returns:
        tuple[list[PairItem], Cases, dict[str, str]]: The items by rising
        name, what was met, and a phrase for each kind of it.

    Raises:
        BadDataError: If there are no pairs, or images without a label where
            they are errors.
        BadConfigError: If ``unlabelled`` is none of the three.
    """
    if unlabelled not in UNLABELLED:
        raise BadConfigError(
            f'unlabelled must be one of {", ".join(UNLABELLED)}, got '
            f'{unlabelled!r}'
        )
    files = pair_files(tree, names)
    without = list(files.images_without.values())
    if without and unlabelled == 'error':
        raise BadDataError(
            f'{tree.path}: {len(without)} image(s) have no label, first '
            f'{without[0]}; add it, or choose --unlabelled skip or empty'
        )
    pairs: dict[str, tuple[str, str | None]] = dict(files.pairs)
    found = {
        'labels_without_image': files.labels_without,
        'ignored_files': files.ignored,
    }
    if unlabelled == 'empty':
        pairs.update(
            (name, (image, None))
            for name, image in files.images_without.items()
        )
        done = 'kept as images without objects'
    else:
        found['images_without_labels'] = without
        done = 'left out'
    items = []
    for name in sorted(pairs):
        image, label = pairs[name]
        parent = names.place(image)[2]
        base = PurePosixPath(image).name
        items.append(
            PairItem(
                name,
                image,
                label,
                f'{parent}/{base}' if parent else base,
                fingerprint(
                    tree, [file for file in (image, label) if file], *settings
                ),
            )
        )
    meanings = {
        'images_without_labels': f'images without a label, {done}',
        'labels_without_image': 'labels without an image, left out',
        'ignored_files': 'files neither image nor label, ignored',
    }
    return items, found, meanings
