"""Write splits of a COCO annotation file and the manifest that names them."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.coco_json import (
    CocoDict,
    read_coco,
    take_images,
    write_json,
)
from cupre_mm.utils.errors import BadConfigError, BadDataError

from .image_traits import read_traits
from .representative_order import DENSITY_CLASSES, TRIED_ORDERS
from .split_counts import absent_strata, part_counts, stratum_counts
from .split_images import WEIGHED_PERCENT, ImageTraits, split_file_names
from .split_recipe import SplitRecipe

MANIFEST = 'manifest.json'
STRATA = 'strata.csv'
_OUR_FILE = re.compile(
    r'(train_[0-9.]+|train_[0-9]+shots(_per_stratum)?|val|test)\.json'
    rf'|{re.escape(STRATA)}'
)
_HASH_ORDER = "ascending sha256 of '<seed>:<file name>'"
_ROUNDING = 'half up, at least one image'


@dataclass(frozen=True)
class _Source:
    """An annotation file that is read once for all its splits."""

    path: Path
    sha256: str
    coco: CocoDict
    traits: ImageTraits
    origins: dict[str, Any]


def write_splits(
    annotation_file: str | Path,
    out: str | Path,
    recipe: SplitRecipe,
    image_folder: str | Path | None = None,
) -> dict[str, Any]:
    """Split an annotation file and write the parts beside a manifest.

    The manifest has no date and no folder, so that it and the splits have
    the same bytes wherever they are made. It is written last: without it the
    folder is not complete.

    Args:
        annotation_file (str | Path): COCO instance json.
        out (str | Path): Folder for the splits.
        recipe (SplitRecipe): Sizes, seeds and method.
        image_folder (str | Path, optional): Folder of the images, for strata
            by appearance. Defaults to None.

    Returns:
        dict: The manifest: source, recipe and, per split, the file, its
        SHA-256, the numbers of images and annotations, in all and of each
        stratum, their shares in percent of what the split is taken from, and
        the file names in the order they were drawn.

    Raises:
        MissingDataError: If a file is missing.
        BadDataError: If it cannot be split so, or ``out`` holds splits that
            this recipe does not write.
        BadConfigError: If the image folder is needed and not given.
    """
    source = _read(annotation_file, recipe, image_folder)
    return _write(source, _split(source, recipe), Path(out), recipe)


def write_seeds(
    annotation_file: str | Path,
    out: str | Path,
    recipe: SplitRecipe,
    seeds: Sequence[int],
    image_folder: str | Path | None = None,
) -> dict[int, dict[str, Any]]:
    """Write the splits of several seeds into ``seed<n>`` folders of one.

    All have the same test and validation parts, and so the same training
    part. Nothing is written if one of the folders cannot be.

    Args:
        annotation_file (str | Path): COCO instance json.
        out (str | Path): Folder for the folders.
        recipe (SplitRecipe): Sizes, test seed and method; its ``seed`` is
            not used.
        seeds (Sequence[int]): The seeds, each once.
        image_folder (str | Path, optional): See :func:`write_splits`.

    Returns:
        dict[int, dict]: The manifest of each seed.

    Raises:
        BadConfigError: If a seed is repeated or there is none.
        UserError: What :func:`write_splits` raises.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise BadConfigError(
            f'seeds {list(seeds)} are none or repeat one; give each once'
        )
    source = _read(annotation_file, recipe, image_folder)
    recipes = {seed: replace(recipe, seed=seed) for seed in seeds}
    folders = {seed: Path(out) / f'seed{seed}' for seed in seeds}
    splits = {}
    for seed in seeds:
        splits[seed] = _split(source, recipes[seed])
        _check_target(folders[seed], source, splits[seed])
    return {
        seed: _write(source, splits[seed], folders[seed], recipes[seed])
        for seed in seeds
    }


def _read(
    annotation_file: str | Path,
    recipe: SplitRecipe,
    image_folder: str | Path | None,
) -> _Source:
    path = Path(annotation_file)
    coco, digest = read_coco(
        path,
        'Make it with the converter of its data set; data/README.md has the '
        'command',
    )
    traits, origins = read_traits(coco, recipe, path, image_folder)
    return _Source(path, digest, coco, traits, origins)


def _split(source: _Source, recipe: SplitRecipe) -> dict[str, list[str]]:
    names = [image['file_name'] for image in source.coco['images']]
    return split_file_names(names, recipe, source.traits)


def _write(
    source: _Source,
    splits: dict[str, list[str]],
    out: Path,
    recipe: SplitRecipe,
) -> dict[str, Any]:
    _check_target(out, source, splits)
    (out / MANIFEST).unlink(missing_ok=True)
    everything = [image['file_name'] for image in source.coco['images']]
    parts = {name: splits[name] for name in ('test', 'val') if name in splits}
    after_test = _without(everything, parts.get('test', ()))
    parts['train'] = _without(after_test, parts.get('val', ()))
    wholes = {'test': everything, 'val': after_test}
    manifest = {
        'source': {
            'file': source.path.name,
            'sha256': source.sha256,
            'images': len(everything),
            'annotations': len(source.coco['annotations']),
        },
        **_described(recipe, source.origins),
        'splits': {
            name: _write_split(
                source, names, wholes.get(name, parts['train']), out, name
            )
            for name, names in splits.items()
        },
    }
    traits = source.traits
    if traits.strata:
        manifest['strata'] = stratum_counts(everything, traits)
        manifest['absent_strata'] = absent_strata(parts, traits)
        _write_strata(out / STRATA, traits)
    write_json(out / MANIFEST, manifest, indent=1)
    return manifest


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    left_out = set(others)
    return [name for name in names if name not in left_out]


def _described(recipe: SplitRecipe, origins: dict[str, Any]) -> dict[str, Any]:
    order = _HASH_ORDER
    if recipe.group:
        order += ', of groups in the held-out parts'
    if recipe.stratify:
        order += ', strata merged by systematic sampling'
    if recipe.balance == 'instances':
        weighed = ', '.join(map(str, WEIGHED_PERCENT))
        order += (
            f'; {DENSITY_CLASSES} classes of images by cells take turns; of '
            f'{TRIED_ORDERS} orders, with <seed>.0, <seed>.1, ... for <seed>, '
            'that whose share of the annotations is nearest to its share of '
            'the images, in the worst of the held-out parts or of the first '
            f'{weighed} percent of the training part'
        )
    return {
        'seed': recipe.seed,
        'test_seed': recipe.test_seed,
        'test_fraction': float(recipe.test_fraction),
        'val_fraction': float(recipe.val_fraction),
        'fractions_percent': sorted(map(float, recipe.fractions)),
        'shots': sorted(recipe.shots),
        'shots_per_stratum': sorted(recipe.shots_per_stratum),
        'balance': recipe.balance,
        **origins,
        'order': order,
        'rounding': _ROUNDING,
    }


def _write_split(
    source: _Source,
    file_names: list[str],
    whole: list[str],
    out: Path,
    name: str,
) -> dict[str, Any]:
    chosen = set(file_names)
    images = source.coco['images']
    part = take_images(
        source.coco, (img for img in images if img['file_name'] in chosen)
    )
    path = out / f'{name}.json'
    return {
        'file': path.name,
        'sha256': write_json(path, part),
        **part_counts(file_names, whole, source.traits),
        'file_names': file_names,
    }


def _write_strata(path: Path, traits: ImageTraits) -> None:
    # In the form that the same option reads, so that others can repeat a
    # split without the images.
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(['file_name', 'stratum'])
    writer.writerows(sorted(traits.strata.items()))
    data = text.getvalue().encode('utf-8', 'surrogatepass')
    write_atomically(path, data)


def _check_target(
    out: Path, source: _Source, splits: dict[str, list[str]]
) -> None:
    files = [f'{name}.json' for name in splits]
    if source.traits.strata:
        files.append(STRATA)
    if any((out / file).resolve() == source.path.resolve() for file in files):
        raise BadDataError(
            f'{source.path} would be overwritten by its own split; choose '
            f'another output folder than {out}'
        )
    there = out.iterdir() if out.is_dir() else ()
    stale = sorted(
        path.name
        for path in there
        if _OUR_FILE.fullmatch(path.name) and path.name not in files
    )
    if stale:
        raise BadDataError(
            f'{out} holds {", ".join(stale)} from another run, which would be '
            'mixed with the new splits; remove them or choose another folder'
        )
