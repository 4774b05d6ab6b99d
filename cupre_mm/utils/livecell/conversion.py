"""LIVECell as it is downloaded, made into what the configs read."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cupre_mm.utils.atomic_write import make_folder, write_atomically
from cupre_mm.utils.coco_json import canonical_json, write_json
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.few_shot import MANIFEST, split_name
from cupre_mm.utils.few_shot.split_counts import part_counts
from cupre_mm.utils.livecell.cell_types import base_name, cell_type_of
from cupre_mm.utils.livecell.image_files import place_images
from cupre_mm.utils.livecell.image_lists import first_of, read_names
from cupre_mm.utils.livecell.inputs import LivecellInput, read_input
from cupre_mm.utils.livecell.part_annotations import (
    INFO,
    PartItem,
    categories,
    write_part,
)
from cupre_mm.utils.livecell.split_part import (
    check_folder,
    choose_splits,
    image_traits,
    recipe,
    write_splits,
)
from cupre_mm.utils.resumable import run_resumable

REPORT = 'conversion_report.json'
TRAIN_LIST = 'livecell_train.txt'
IMAGES_JOURNAL = 'livecell_images.progress.jsonl'
PARTS_JOURNAL = 'livecell_parts.progress.jsonl'
# Raised by one when the same input gives another output than before.
_FORMAT = 1


@dataclass(frozen=True)
class LivecellOptions:
    """What a user may choose.

    Args:
        images (str): See :func:`.image_files.place_images`. Defaults to
            ``'link'``.
        by_cell_type (bool): Whether every cell type is a class of its own,
            in place of one class ``'cell'``. Defaults to False.
        cell_types (tuple[str], optional): Of
            :data:`.cell_types.CELL_TYPES`, the types to convert. Defaults
            to None: all.
        official (bool): Whether LIVECell's own training splits are used
            where they are there. Defaults to True.
        fractions (tuple[float]): Percent of the training part that there has
            to be a split of. Defaults to (5, 10, 20, 50, 100).
        seed (int): Of our splits. Defaults to 0.
        allow_bad (bool): Whether images that are absent, damaged or not of
            the size that the annotations are for are left out with their
            cells, in place of stopping. Defaults to False.
    """

    images: str = 'link'
    by_cell_type: bool = False
    cell_types: tuple[str, ...] | None = None
    official: bool = True
    fractions: tuple[float, ...] = (5, 10, 20, 50, 100)
    seed: int = 0
    allow_bad: bool = False


def convert_livecell(
    sources: Sequence[Path],
    out: Path,
    options: LivecellOptions,
    workers: int = 1,
) -> dict[str, Any]:
    """Convert LIVECell; what an earlier run has done is not done again.

    Writes ``images/``, ``annotations/livecell_coco_{train,val,test}.json``,
    ``annotations/seed<seed>/`` with the training splits and their manifest,
    ``livecell_train.txt`` and, last, ``annotations/conversion_report.json``,
    without which the conversion is not complete.

    Args:
        sources (Sequence[Path]): Folders, zips and json files.
        out (Path): The folder to write.
        options (LivecellOptions): The choices.
        workers (int): Processes for the images. Defaults to 1.

    Returns:
        dict: The report, and ``finished_before``: whether nothing had to be
        done.

    Raises:
        MissingDataError: If annotation files or images are absent.
        BadDataError: If files are damaged or contradict each other.
        BadConfigError: If an option is out of range.
    """
    recipe(options.fractions, options.seed)
    given = read_input(
        sources, out, options.cell_types, options.official, options.allow_bad
    )
    fingerprint = _hash(
        [_FORMAT, asdict(options), [[str(f), f.stamp] for f in given.files]]
    )
    finished = _finished(out, fingerprint, given.images)
    if finished:
        return {**finished, 'finished_before': True}
    official = _read_official(given)
    folder = out / 'annotations'
    splits_folder = folder / f'seed{options.seed}'
    check_folder(
        splits_folder,
        [split_name(share) for share in {*official, *options.fractions}],
    )
    make_folder(folder)
    # An older report must not outlive what it speaks of.
    (folder / REPORT).unlink(missing_ok=True)
    placed = place_images(
        list(given.images.values()),
        out / 'images',
        folder / IMAGES_JOURNAL,
        options.images,
        workers,
    )
    left_out = {
        **dict.fromkeys(given.absent, 'not there'),
        **_unusable(given, placed, options.allow_bad),
    }
    records = _write_parts(
        given, placed, left_out, options.by_cell_type, folder
    )
    train = records['train']
    splits = choose_splits(
        train['cells'], official, options.fractions, options.seed
    )
    manifest = write_splits(
        folder / train['file'],
        train,
        {
            'images': train['images'],
            'categories': categories(options.by_cell_type),
            'info': INFO,
        },
        splits,
        splits_folder,
        options.seed,
    )
    _write_train_list(out, train['cells'])
    written = [
        *(folder / record['file'] for record in records.values()),
        *(splits_folder / f'{name}.json' for name in splits),
        splits_folder / MANIFEST,
        out / TRAIN_LIST,
    ]
    report = {
        'fingerprint': fingerprint,
        'options': asdict(options),
        'parts': {
            part: {
                'file': record['file'],
                'sha256': record['sha256'],
                'repeated_images': given.parts[part].repeated,
                **part_counts(
                    record['cells'],
                    record['cells'],
                    image_traits(record['cells']),
                ),
                'problems': record['problems'],
            }
            for part, record in records.items()
        },
        'splits': manifest['splits'],
        'missing_official': given.missing_official,
        'images_placed': Counter(
            record['placed']
            for name, record in placed.items()
            if name not in left_out
        ),
        'left_out_images': left_out,
        'unused_images': given.unused_images,
        'ignored_files': given.ignored_files,
        'files': {
            path.relative_to(out).as_posix(): path.stat().st_size
            for path in written
        },
    }
    write_json(folder / REPORT, report, indent=1)
    return {**report, 'finished_before': False}


def _finished(
    out: Path, fingerprint: str, images: Collection[str]
) -> dict[str, Any] | None:
    """The report of a run that has done all this, if its files are there."""
    try:
        report = json.loads((out / 'annotations' / REPORT).read_bytes())
        there = {path.name for path in (out / 'images').iterdir()}
        whole = all(
            (out / name).stat().st_size == size
            for name, size in report['files'].items()
        )
        placed = there >= set(images) - set(report['left_out_images'])
        same = report['fingerprint'] == fingerprint
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return report if same and whole and placed else None


def _read_official(
    given: LivecellInput,
) -> dict[int, tuple[str, list[str]]]:
    """File name and images of the official splits that can be used."""
    training = set(given.names['train'])
    official = {}
    for percent, file in given.official.items():
        names = read_names(file)
        if training.intersection(names):
            official[percent] = (base_name(file.name), names)
    return official


def _unusable(
    given: LivecellInput, placed: Mapping[str, dict], allow_bad: bool
) -> dict[str, str]:
    """Images that are damaged or not those that were annotated, and why."""
    reasons = {}
    for part, names in given.names.items():
        for name in names:
            record = placed[name]
            if 'problem' in record:
                reasons[name] = record['problem']
                continue
            stated = given.parts[part].sizes[name]
            size = (record['height'], record['width'])
            if stated not in (size, (None, None)):
                reasons[name] = (
                    f'{given.images[name]} has {size[0]} x {size[1]} pixels '
                    f'(height x width), its annotations are for {stated[0]} '
                    f'x {stated[1]}'
                )
    if reasons and not allow_bad:
        raise BadDataError(
            f'{len(reasons)} image(s) cannot be used: '
            f'{first_of(list(reasons.values()))}. Download or unpack them '
            'again, or leave them and their cells out with --allow-bad'
        )
    return reasons


def _write_parts(
    given: LivecellInput,
    placed: Mapping[str, dict],
    left_out: Collection[str],
    by_cell_type: bool,
    folder: Path,
) -> dict[str, dict[str, Any]]:
    """Write the parts that an earlier run did not; records by part."""
    items = []
    for part, images in given.parts.items():
        names = [n for n in given.names[part] if n not in left_out]
        if not names:
            raise BadDataError(
                f'{", ".join(map(str, images.sources))}: all images of '
                f'{part} are left out; add them'
            )
        ids = images.new_ids(names)
        entries = tuple(
            {
                'id': ids[name],
                'file_name': name,
                'height': placed[name]['height'],
                'width': placed[name]['width'],
                'cell_type': cell_type_of(name),
            }
            for name in names
        )
        stamps = [[str(file), file.stamp] for file in images.sources]
        items.append(
            PartItem(
                part,
                images.sources,
                tuple(images.name_of),
                entries,
                by_cell_type,
                _hash([_FORMAT, stamps, entries, by_cell_type]),
            )
        )
    records, _ = run_resumable(
        items,
        partial(write_part, folder=folder),
        folder / PARTS_JOURNAL,
        workers=1,
        is_whole=lambda record: _has_size(
            folder / record['file'], record['bytes']
        ),
        unit='file',
    )
    return {
        item.name: {**records[item.name], 'images': item.images}
        for item in items
    }


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _write_train_list(out: Path, names: Iterable[str]) -> None:
    # Relative to the folder that OUT lies in, which is the data root.
    folder = out.resolve().name
    lines = [f'{folder}/images/{name}\n' for name in sorted(names)]
    write_atomically(out / TRAIN_LIST, ''.join(lines).encode())


def _hash(content: Any) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()
