"""The few-shot splits of LIVECell's training part: official ones and ours."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cupre_mm.utils.coco_json import canonical_json, write_json
from cupre_mm.utils.coco_writer import CocoWriter
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.few_shot import (
    MANIFEST,
    ImageTraits,
    SplitRecipe,
    split_file_names,
    split_name,
)
from cupre_mm.utils.few_shot.split_counts import part_counts
from cupre_mm.utils.json_stream import read_entries
from cupre_mm.utils.livecell.cell_types import cell_type_of

_SPLIT_FILE = re.compile(r'train_[^/]*\.json')


@dataclass(frozen=True)
class Split:
    """A training split.

    Args:
        file_names (tuple[str]): Its images, all of the training part.
        official (str): Name of LIVECell's file it is from, ``''`` for one of
            ours. Defaults to ``''``.
        not_in_training (tuple[str]): Images that the official file lists but
            the training part lacks. Defaults to ().
    """

    file_names: tuple[str, ...]
    official: str = ''
    not_in_training: tuple[str, ...] = ()


def choose_splits(
    cells: Mapping[str, int],
    official: Mapping[int, tuple[str, Sequence[str]]],
    fractions: Sequence[float] = (5, 10, 20, 50, 100),
    seed: int = 0,
) -> dict[str, Split]:
    """Take the official splits and draw the others.

    Ours are drawn from the whole training part, stratified by cell type and
    balanced in cells, whichever official ones there are: the same share is
    the same images for everyone who draws it.

    Args:
        cells (Mapping[str, int]): Number of cells by file name, of all
            images of the training part.
        official (Mapping[int, tuple]): By percent, the name of the official
            file and the file names it lists.
        fractions (Sequence[float]): Percent of the training part that there
            has to be a split of. Defaults to (5, 10, 20, 50, 100).
        seed (int): Of our splits. Defaults to 0.

    Returns:
        dict[str, Split]: By name, ``'train_5'``, smaller ones first. An
        official split without an image of the training part is not among
        them.
    """
    splits = {}
    for percent, (source, names) in official.items():
        inside = tuple(sorted(name for name in names if name in cells))
        if inside:
            outside = tuple(sorted(set(names) - set(inside)))
            splits[float(percent)] = Split(inside, source, outside)
    ours = split_file_names(
        sorted(cells),
        recipe(fractions, seed),
        image_traits(cells),
    )
    for fraction in fractions:
        splits.setdefault(
            float(fraction), Split(tuple(ours[split_name(fraction)]))
        )
    return {split_name(share): splits[share] for share in sorted(splits)}


def recipe(fractions: Sequence[float], seed: int) -> SplitRecipe:
    """What our splits of LIVECell are made from.

    Args:
        fractions (Sequence[float]): Percent of the training part.
        seed (int): Chooses the order of the images.

    Returns:
        SplitRecipe: The recipe.

    Raises:
        BadConfigError: If a fraction is out of range or repeated.
    """
    return SplitRecipe(
        fractions=tuple(fractions),
        seed=seed,
        test_fraction=0,
        stratify='cell_type',
        balance='instances',
    )


def check_folder(folder: Path, splits: Sequence[str]) -> None:
    """Make sure that no splits of another run are left beside the new ones.

    Args:
        folder (Path): The folder of the splits.
        splits (Sequence[str]): Names of those that will be written.

    Raises:
        BadDataError: If it holds others.
    """
    there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    stale = sorted(
        name
        for name in there
        if _SPLIT_FILE.fullmatch(name) and name[: -len('.json')] not in splits
    )
    if stale:
        raise BadDataError(
            f'{folder} holds {", ".join(stale)} of another run, which would '
            'be mixed with the new splits; remove them or choose another '
            'output folder'
        )


def write_splits(
    training: Path,
    record: Mapping[str, Any],
    content: Mapping[str, Any],
    splits: Mapping[str, Split],
    folder: Path,
    seed: int,
) -> dict[str, Any]:
    """Write all splits in one pass over the training part.

    The manifest has neither date nor folder, so that the same files give the
    same bytes everywhere. It is written last: without it the folder is not
    complete.

    Args:
        training (Path): The converted training part.
        record (Mapping): Its ``sha256`` and its ``cells`` by file name.
        content (Mapping): Its ``images``, ``categories`` and ``info``.
        splits (Mapping[str, Split]): What to write, by name.
        folder (Path): The folder to write to.
        seed (int): Of our splits, for the manifest.

    Returns:
        dict: The manifest.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    members = {name: set(split.file_names) for name, split in splits.items()}
    digests = {}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(CocoWriter(folder / f'{name}.json'))
            for name in splits
        }
        writers_of = {
            image['id']: [
                writer
                for name, writer in writers.items()
                if image['file_name'] in members[name]
            ]
            for image in content['images']
        }
        for annotation in _with_bar(training, sum(record['cells'].values())):
            encoded = canonical_json(annotation)[:-1]
            for writer in writers_of[annotation['image_id']]:
                writer.add_encoded(encoded)
        for name, writer in writers.items():
            images = [
                image
                for image in content['images']
                if image['file_name'] in members[name]
            ]
            digests[name] = writer.finish(**{**content, 'images': images})
    cells, traits = record['cells'], image_traits(record['cells'])
    manifest = {
        'source': {
            'file': training.name,
            'sha256': record['sha256'],
            **part_counts(cells, cells, traits),
        },
        'seed': seed,
        'stratify': 'cell_type',
        'balance': 'instances',
        'note': 'those that are not official are drawn by us with this seed; '
        'they lie within one another, not within the official ones',
        'splits': {
            name: {
                'file': f'{name}.json',
                'sha256': digests[name],
                'official': bool(split.official),
                'official_file': split.official or None,
                'not_in_training': list(split.not_in_training),
                **part_counts(split.file_names, cells, traits),
                'file_names': list(split.file_names),
            }
            for name, split in splits.items()
        },
    }
    write_json(folder / MANIFEST, manifest, indent=1)
    return manifest


def image_traits(cells: Mapping[str, int]) -> ImageTraits:
    """What the splits are drawn by.

    Args:
        cells (Mapping[str, int]): Number of cells by file name.

    Returns:
        ImageTraits: The cells, and the cell types as strata.
    """
    return ImageTraits(
        cells=cells, strata={name: cell_type_of(name) for name in cells}
    )


def _with_bar(training: Path, total: int) -> Iterator[dict[str, Any]]:
    open_file = partial(training.open, 'rb')
    entries = read_entries(open_file, 'annotations', training)
    return iter(tqdm(entries, total=total, unit='cell', desc='splits'))
