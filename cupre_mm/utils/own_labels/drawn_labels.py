"""Labels that are no images: ImageJ's regions and Cellpose's ``_seg.npy``."""

from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.coco_records import Cases, ImageRecord
from cupre_mm.utils.labelled_sets.conversion import fingerprint
from cupre_mm.utils.labelled_sets.label_files import (
    LabelReading,
    convert_labels,
    objects_of,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.labelled_sets.paired_files import (
    PairNames,
    is_visible_image,
)
from cupre_mm.utils.labelled_sets.paired_items import PairItem, pair_items
from cupre_mm.utils.own_labels.cellpose_files import read_seg_masks
from cupre_mm.utils.own_labels.roi_files import (
    is_area,
    is_on_first_plane,
    pixels_of,
    read_regions,
)

_SEG = '_seg.npy'
_REGIONS = ('.zip', '.roi')
# How the ROI manager, Cellpose and predict.py call the regions of an image.
_ENDS = ('_RoiSet', '_rois', '_ROIs', '_roi')
_BEGINNING = 'RoiSet_'
_FOLDERS = ('rois', 'roi', 'roiset')
_UNNAMED = 'RoiSet'
DRAWN_CASES = {
    'regions_without_area': 'lines, points or empty regions of the ROI '
    'manager, left out',
    'regions_elsewhere': 'regions drawn on a later plane of a stack, of '
    'which the first is read, left out',
}


def find_drawn(tree: SourceTree, names: PairNames) -> dict[str, str]:
    """Find the files, by what each has in common with its image.

    ``x.tif`` goes with ``x_seg.npy``, ``x.zip``, ``x_rois.zip``,
    ``x_RoiSet.zip`` or ``x.roi`` beside it or in a folder of labels.

    Args:
        tree (SourceTree): The source.
        names (PairNames): How images and labels are named.

    Returns:
        dict[str, str]: The files, by key.

    Raises:
        BadDataError: If two have one key.
    """
    names = PairNames(
        image_suffixes=names.image_suffixes,
        mask_suffixes=names.mask_suffixes,
        image_folders=names.image_folders,
        mask_folders=(*names.mask_folders, *_FOLDERS),
    )
    found: dict[str, list[str]] = defaultdict(list)
    for file in tree.names:
        stem = _image_stem(PurePosixPath(file).name)
        if stem and not any(
            part.startswith(('.', '__MACOSX')) for part in file.split('/')
        ):
            key = names.place(
                str(PurePosixPath(file).with_name(stem + '.tif'))
            )
            found[key[1]].append(file)
    twins = [files for files in found.values() if len(files) > 1]
    if twins:
        raise BadDataError(
            f'{tree.path}: {" and ".join(min(twins))} are labels of one '
            'image: keep the one you mean'
        )
    return {key: files[0] for key, files in found.items()}


def labelled_items(
    tree: SourceTree, names: PairNames, *settings: object
) -> tuple[list[PairItem], Cases, dict[str, str]]:
    """Pair images with label images, else with what was drawn for them.

    Args:
        tree (SourceTree): The source.
        names (PairNames): How they are named.
        *settings (object): What else the records depend on.

    Returns:
        tuple: As of :func:`.pair_items`.

    Raises:
        BadDataError: If there is no pair, or files cannot be told apart.
    """
    drawn = find_drawn(tree, names)
    if not drawn:
        return pair_items(tree, names, 'skip', *settings)
    images = _images(tree, names)
    drawn_for = {key: file for key, file in drawn.items() if key in images}
    if not drawn_for:
        try:
            return pair_items(tree, names, 'skip', *settings)
        except BadDataError as error:
            raise BadDataError(_not_named(tree, drawn)) from error
    has_labels = any(
        is_visible_image(file) and names.place(file)[0] for file in tree.names
    )
    items: list[PairItem] = []
    found: Cases = {'images_without_labels': list(images.values())}
    meanings = {'images_without_labels': 'images without a label, left out'}
    if has_labels:
        items, found, meanings = pair_items(tree, names, 'skip', *settings)
    taken = {item.name for item in items}
    for key in sorted(drawn_for.keys() - taken):
        image = images[key]
        parent, base = names.place(image)[2], PurePosixPath(image).name
        items.append(
            PairItem(
                key,
                image,
                drawn_for[key],
                f'{parent}/{base}' if parent else base,
                fingerprint(tree, (image, drawn_for[key]), *settings),
            )
        )
    used = {item.image for item in items} | {item.label for item in items}
    found = {
        kind: [file for file in files if file not in used]
        for kind, files in found.items()
    }
    return sorted(items, key=lambda item: item.name), found, meanings


def convert_any(
    tree: SourceTree,
    item: PairItem,
    images: Path,
    rules: ObjectRules,
    reading: LabelReading,
) -> dict:
    """Write one image and encode its objects, whatever holds them.

    Args:
        tree (SourceTree): The source.
        item (PairItem): The pair.
        images (Path): ``OUT/images``.
        rules (ObjectRules): What becomes of odd objects.
        reading (LabelReading): How a label image is read.

    Returns:
        dict: The record, see :func:`.convert_labels`; more cases are those
        of :data:`DRAWN_CASES`.
    """
    file = item.label or ''
    if not file.lower().endswith((_SEG, *_REGIONS)):
        return convert_labels(tree, item, images, rules, reading)
    record = ImageRecord(item.file_name, rules)
    if not record.store(tree, item.image, images):
        return record.as_dict()
    try:
        if file.lower().endswith(_SEG):
            any_object = _add_numbers(
                record, file, read_seg_masks(tree.read(file)), item.image
            )
        else:
            any_object = _add_regions(record, file, tree.read(file))
    except BadDataError as error:
        record.note('unreadable_labels', f'{file}: {error}')
        record.leave_out(images)
    else:
        if not any_object:
            record.note('empty_images', file)
    return record.as_dict()


def _add_numbers(
    record: ImageRecord, file: str, labels: np.ndarray, image: str
) -> bool:
    if labels.shape != (record.height, record.width):
        raise BadDataError(
            f'{labels.shape[1]}x{labels.shape[0]} pixels, {image} has '
            f'{record.width}x{record.height}'
        )
    any_object = False
    for number, mask, others in objects_of(labels):
        any_object = True
        record.add(f'{file}:{number}', mask, others)
    return any_object


def _add_regions(record: ImageRecord, file: str, content: bytes) -> bool:
    any_object = False
    for name, roi in read_regions(content, file):
        where = f'{file}:{name}'
        if not is_on_first_plane(roi):
            record.note('regions_elsewhere', where)
            continue
        mask = None
        if is_area(roi):
            mask = pixels_of(roi, record.height, record.width)
        if mask is None:
            record.note('regions_without_area', where)
            continue
        any_object = True
        record.add(where, mask)
    return any_object


def _image_stem(name: str) -> str | None:
    """Name of the image without extension, or None for another file."""
    if name.lower().endswith(_SEG):
        return name[: -len(_SEG)] or None
    path = PurePosixPath(name)
    if path.suffix.lower() not in _REGIONS:
        return None
    stem = path.stem
    if stem != _UNNAMED:
        stem = stem.removeprefix(_BEGINNING)
    for end in _ENDS:
        stem = stem.removesuffix(end)
    return stem or None


def _images(tree: SourceTree, names: PairNames) -> dict[str, str]:
    images: dict[str, str] = {}
    for file in tree.names:
        if not is_visible_image(file):
            continue
        is_label, key, _ = names.place(file)
        if not is_label and images.setdefault(key, file) != file:
            raise BadDataError(
                f'{tree.path}: {images[key]} and {file} are images of one '
                'name: keep the one you mean'
            )
    return images


def _not_named(tree: SourceTree, drawn: dict[str, str]) -> str:
    first = min(drawn.values())
    return (
        f'{tree.path} has no label image, and {len(drawn)} file(s) of regions '
        f'that are not named like an image, first {first}: call the file of '
        'x.tif x.zip, x_RoiSet.zip or x_seg.npy'
    )
