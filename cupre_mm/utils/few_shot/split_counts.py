"""What the splits hold, for the manifest: images and cells by stratum."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .split_images import ImageTraits

Counts = dict[str, int]


def stratum_counts(
    file_names: Iterable[str], traits: ImageTraits
) -> dict[str, Counts]:
    """Count images and annotations of each stratum.

    Args:
        file_names (Iterable[str]): The images.
        traits (ImageTraits): Strata and cells of all images.

    Returns:
        dict[str, dict[str, int]]: ``images`` and ``annotations`` of every
        stratum there is, zeros too.
    """
    images: Counter[str] = Counter()
    annotations: Counter[str] = Counter()
    for name in file_names:
        images[traits.strata[name]] += 1
        annotations[traits.strata[name]] += traits.cells[name]
    return {
        stratum: {
            'images': images[stratum],
            'annotations': annotations[stratum],
        }
        for stratum in sorted(set(traits.strata.values()))
    }


def part_counts(
    file_names: Collection[str], whole: Collection[str], traits: ImageTraits
) -> dict[str, Any]:
    """Say how much of a whole a split holds.

    Args:
        file_names (Collection[str]): The split's images.
        whole (Collection[str]): The images that it was taken from.
        traits (ImageTraits): Traits of all images.

    Returns:
        dict: ``images``, ``annotations``, ``percent_images`` and
        ``percent_annotations`` of the whole with two decimals, and
        ``strata`` and the number of ``groups`` where there are such.
    """
    cells = sum(traits.cells[name] for name in file_names)
    all_cells = sum(traits.cells[name] for name in whole)
    counts: dict[str, Any] = {
        'images': len(file_names),
        'annotations': cells,
        'percent_images': _percent(len(file_names), len(whole)),
        'percent_annotations': _percent(cells, all_cells),
    }
    if traits.strata:
        counts['strata'] = stratum_counts(file_names, traits)
    if traits.groups:
        counts['groups'] = len({traits.groups[name] for name in file_names})
    return counts


def absent_strata(
    parts: Mapping[str, Iterable[str]], traits: ImageTraits
) -> dict[str, list[str]]:
    """Find strata that are too small to be in every part.

    Args:
        parts (Mapping[str, Iterable[str]]): File names of the test, the
            validation and the whole training part.
        traits (ImageTraits): Strata of all images.

    Returns:
        dict[str, list[str]]: By part, the strata without an image in it;
        parts that have all strata are left out.
    """
    everywhere = set(traits.strata.values())
    absent = {
        part: sorted(everywhere - {traits.strata[name] for name in names})
        for part, names in parts.items()
        if everywhere
    }
    return {part: strata for part, strata in absent.items() if strata}


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
