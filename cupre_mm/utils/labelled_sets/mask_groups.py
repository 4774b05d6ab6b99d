"""Which mask files, one an object, belong to which image."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.paired_files import (
    PairNames,
    is_visible_image,
)


@dataclass
class MaskGroups:
    """Files of a source, sorted out.

    Attributes:
        groups (dict[str, tuple[str, str, list[str]]]): Image, its name for
            the output and its masks, by key, sorted.
        masks_without (list[str]): Masks without an image.
        ignored (list[str]): Files that are neither.
    """

    groups: dict[str, tuple[str, str, list[str]]] = field(default_factory=dict)
    masks_without: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def group_masks(tree: SourceTree, names: PairNames) -> MaskGroups:
    """Find the images and the masks of each.

    Two layouts are known, at any depth: a folder an image, which holds the
    image (itself or in an image folder) and a mask folder; or an image
    folder, and beside it a mask folder with a folder of masks an image,
    called like the image. Where image folders exist, images outside them are
    ignored.

    Args:
        tree (SourceTree): The source.
        names (PairNames): What folders are called, and which suffixes an
            image may have that its folder of masks has not.

    Returns:
        MaskGroups: What was found.

    Raises:
        BadDataError: If there is no image with masks, the layouts are mixed,
            or several images share their masks.
    """
    found = MaskGroups()
    masks: dict[tuple[str, ...], list[str]] = defaultdict(list)
    images: list[str] = []
    nested = set()
    for file in filter(is_visible_image, tree.names):
        folders = PurePosixPath(file).parts[:-1]
        kind, place = names.kind_of(folders)
        if kind == 'mask':
            masks[folders[:place] + folders[place + 1 :]].append(file)
            nested.add(place + 1 < len(folders))
        else:
            images.append(file)
    if len(nested) == 2:
        raise BadDataError(
            f'{tree.path} mixes two layouts: masks right in a mask folder and '
            'masks in folders below one; pass the folder of one of them'
        )
    if any(_in_image_folder(file, names) for file in images):
        images = [file for file in images if _in_image_folder(file, names)]
    by_key: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for file in images:
        by_key[_key(file, names, masks, nested == {True})].append(file)
    _refuse_shared(tree, by_key, masks)
    for key in sorted(by_key):
        file = by_key[key][0]
        path = PurePosixPath(file)
        name = '/'.join(key) or path.stem
        found.groups[name] = (
            file,
            name + path.suffix,
            sorted(masks.get(key, ())),
        )
    known = {*images, *(file for group in masks.values() for file in group)}
    found.ignored = [file for file in tree.names if file not in known]
    found.masks_without = sorted(
        file
        for key, group in masks.items()
        if key not in by_key
        for file in group
    )
    if not masks.keys() & by_key.keys():
        raise BadDataError(_no_group(tree, images, masks, names))
    return found


def _in_image_folder(file: str, names: PairNames) -> bool:
    return names.kind_of(PurePosixPath(file).parts[:-1])[0] == 'image'


def _key(
    file: str,
    names: PairNames,
    masks: dict[tuple[str, ...], list[str]],
    nested: bool,
) -> tuple[str, ...]:
    path = PurePosixPath(file)
    folders = path.parts[:-1]
    kind, place = names.kind_of(folders)
    if nested:
        if kind:
            folders = folders[:place] + folders[place + 1 :]
        whole = (*folders, path.stem)
        bare = (*folders, names.bare_stem(file))
        return bare if bare in masks and whole not in masks else whole
    return folders[:place] if kind else folders


def _refuse_shared(
    tree: SourceTree,
    images: dict[tuple[str, ...], list[str]],
    masks: dict[tuple[str, ...], list[str]],
) -> None:
    shared = [
        sorted(images[key]) for key in masks if len(images.get(key, ())) > 1
    ]
    if shared:
        first = min(shared)
        raise BadDataError(
            f'{tree.path}: {len(first)} images share one folder of masks, '
            f'first {first[0]} and {first[1]}; if each mask file holds all '
            'objects of the image of its name, add --objects components (or '
            'use label_images.py where each object has its own number); else '
            'give each image a folder of its own'
        )


def _no_group(
    tree: SourceTree,
    images: list[str],
    masks: dict[tuple[str, ...], list[str]],
    names: PairNames,
) -> str:
    files = [file for group in masks.values() for file in group]
    counts = [
        f'{len(group)} {kind}(s)' + (f', first {min(group)}' if group else '')
        for kind, group in (('image', images), ('mask', files))
    ]
    return (
        f'{tree.path} has no image with masks: {", ".join(counts)}. Wanted is '
        '<image>/masks/*.png beside <image>/images/<image>.png, or '
        'masks/<image>/*.png beside images/<image>.png; name other folders '
        f'than {", ".join(names.mask_folders) or "(none)"} with '
        '--masks-folder and --images-folder'
    )
