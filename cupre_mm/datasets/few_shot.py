"""Nested few-shot splits of a COCO annotation file.

Images are ordered by the SHA-256 of ``'<seed>:<file name>'``, which is the
same on every machine and does not depend on the order in the file. The order
is cut into ``[test | training ... validation]``; each few-shot split is a
prefix of the training part, so that a smaller one lies within a larger one.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from cupre_mm.utils.coco_json import (
    CocoDict,
    read_coco,
    take_images,
    write_json,
)
from cupre_mm.utils.errors import BadConfigError, BadDataError

MANIFEST = 'manifest.json'
_SPLIT_FILE = re.compile(r'(train_[0-9.]+|val|test)\.json')


@dataclass(frozen=True)
class SplitRecipe:
    """What a set of splits is made from.

    Args:
        fractions (tuple[float]): Sizes of the few-shot splits in percent of
            the training part, each in (0, 100]. Defaults to
            (5, 10, 20, 50, 100).
        seed (int): Chooses the order of the images. Defaults to 0.
        test_fraction (float): Share of all images that is held out for the
            test, in [0, 1). 0 makes no test split. Defaults to 0.2.
        val_fraction (float): Share of what the test leaves that is held out
            for tuning, in [0, 1). 0 makes no validation split. Defaults to 0.

    Raises:
        BadConfigError: If a value is out of range or a fraction is repeated.
    """

    fractions: tuple[float, ...] = (5, 10, 20, 50, 100)
    seed: int = 0
    test_fraction: float = 0.2
    val_fraction: float = 0

    def __post_init__(self) -> None:
        if not self.fractions:
            raise BadConfigError('fractions is empty; give at least one, as 5')
        for fraction in self.fractions:
            if not 0 < fraction <= 100:
                raise BadConfigError(
                    f'fraction {fraction!r} is not in (0, 100]; fractions are '
                    'percent of the training part, as in: --fractions 5 10 100'
                )
        names = [split_name(fraction) for fraction in self.fractions]
        if len(set(names)) < len(names):
            raise BadConfigError(
                f'fractions {list(self.fractions)} repeat a value; give each '
                'once'
            )
        for name in ('test_fraction', 'val_fraction'):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise BadConfigError(
                    f'{name} {value!r} is not in [0, 1); it is a share, not '
                    'percent: write 0.2 for 20 %, and 0 for no such part'
                )


def split_name(fraction: float) -> str:
    """Name of a few-shot split.

    Args:
        fraction (float): Percent of the training part.

    Returns:
        str: ``'train_5'`` for 5 and 5.0, ``'train_2.5'`` for 2.5.
    """
    return f'train_{Decimal(str(fraction)).normalize():f}'


def image_order(file_names: Iterable[str], seed: int) -> list[str]:
    """Shuffle by hash: no random number generator, so no version of one.

    Args:
        file_names (Iterable[str]): Unique names as in the annotation file.
        seed (int): Chooses the order.

    Returns:
        list[str]: The names by ascending SHA-256 of ``'<seed>:<name>'``.
    """

    def key(file_name: str) -> str:
        return hashlib.sha256(f'{seed}:{file_name}'.encode()).hexdigest()

    return sorted(file_names, key=key)


def share(total: int, part: Fraction) -> int:
    """Number of images in a part: rounded half up, at least one.

    Args:
        total (int): Images to take from.
        part (Fraction): The exact share, in (0, 1].

    Returns:
        int: Between 1 and ``total`` for ``total`` >= 1.
    """
    return max(1, math.floor(total * part + Fraction(1, 2)))


def split_file_names(
    file_names: Sequence[str], recipe: SplitRecipe
) -> dict[str, list[str]]:
    """Assign images to the splits.

    Args:
        file_names (Sequence[str]): Unique names as in the annotation file.
        recipe (SplitRecipe): Sizes and seed.

    Returns:
        dict[str, list[str]]: The names of each split in the order they were
        drawn, ``'train_<percent>'`` by rising size, then ``'val'`` and
        ``'test'`` where they are asked for.

    Raises:
        BadDataError: If the test and validation parts leave no image.
    """
    order = image_order(file_names, recipe.seed)
    held_out = {}
    if recipe.test_fraction:
        count = share(len(order), _exact(recipe.test_fraction))
        held_out['test'], order = order[:count], order[count:]
    if recipe.val_fraction and order:
        # From the far end: a val part then changes the small splits least.
        count = share(len(order), _exact(recipe.val_fraction))
        order, held_out['val'] = order[:-count], order[-count:]
    if not order:
        raise BadDataError(
            f'{len(file_names)} image(s) leave none to train on after a test '
            f'share of {recipe.test_fraction} and a validation share of '
            f'{recipe.val_fraction}; lower them or add images'
        )
    splits = {
        split_name(fraction): order[
            : share(len(order), _exact(fraction) / 100)
        ]
        for fraction in sorted(recipe.fractions)
    }
    return {**splits, **dict(sorted(held_out.items(), reverse=True))}


def write_splits(
    annotation_file: str | Path, out: str | Path, recipe: SplitRecipe
) -> dict[str, Any]:
    """Split an annotation file and write the parts beside a manifest.

    The manifest has no date and no folder, so that it and the splits have
    the same bytes wherever they are made. It is written last: without it the
    folder is not complete.

    Args:
        annotation_file (str | Path): COCO instance json.
        out (str | Path): Folder for the splits.
        recipe (SplitRecipe): Sizes and seed.

    Returns:
        dict: The manifest: source, recipe and, per split, the file, its
        SHA-256, the numbers of images and annotations, and the file names in
        the order they were drawn.

    Raises:
        MissingDataError: If the annotation file is missing.
        BadDataError: If it cannot be split, or ``out`` holds splits that this
            recipe does not write.
    """
    source, out = Path(annotation_file), Path(out)
    coco, source_hash = read_coco(
        source,
        'Make it with the converter of its data set; data/README.md has the '
        'command',
    )
    splits = split_file_names(
        [image['file_name'] for image in coco['images']], recipe
    )
    _check_target(out, source, [f'{name}.json' for name in splits])
    (out / MANIFEST).unlink(missing_ok=True)
    manifest = {
        'source': {
            'file': source.name,
            'sha256': source_hash,
            'images': len(coco['images']),
            'annotations': len(coco['annotations']),
        },
        'seed': recipe.seed,
        'test_fraction': float(recipe.test_fraction),
        'val_fraction': float(recipe.val_fraction),
        'fractions_percent': sorted(map(float, recipe.fractions)),
        'order': "ascending sha256 of '<seed>:<file name>'",
        'rounding': 'half up, at least one image',
        'splits': {
            name: _write_split(coco, file_names, out / f'{name}.json')
            for name, file_names in splits.items()
        },
    }
    write_json(out / MANIFEST, manifest, indent=1)
    return manifest


def _write_split(
    coco: CocoDict, file_names: list[str], path: Path
) -> dict[str, Any]:
    chosen = set(file_names)
    part = take_images(
        coco, (img for img in coco['images'] if img['file_name'] in chosen)
    )
    return {
        'file': path.name,
        'sha256': write_json(path, part),
        'images': len(part['images']),
        'annotations': len(part['annotations']),
        'file_names': file_names,
    }


def _check_target(out: Path, source: Path, files: list[str]) -> None:
    if any((out / file).resolve() == source.resolve() for file in files):
        raise BadDataError(
            f'{source} would be overwritten by its own split; choose another '
            f'output folder than {out}'
        )
    there = out.iterdir() if out.is_dir() else ()
    stale = sorted(
        path.name
        for path in there
        if _SPLIT_FILE.fullmatch(path.name) and path.name not in files
    )
    if stale:
        raise BadDataError(
            f'{out} holds {", ".join(stale)} from another run, which would be '
            'mixed with the new splits; remove them or choose another folder'
        )


def _exact(value: float) -> Fraction:
    # Through the decimal text: 0.2 is meant as one fifth, not as the nearest
    # binary number, which could tip a rounding.
    return Fraction(str(value))
