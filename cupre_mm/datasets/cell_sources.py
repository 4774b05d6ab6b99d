"""The sources of unlabelled images, as a config may name them."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cupre_mm.utils.errors import BadConfigError

_SOURCE_KEYS = {'name', 'paths', 'weight', 'about'}


@dataclass(frozen=True)
class CellSource:
    """One named source of a config.

    Attributes:
        name (str): Name of the source.
        paths (tuple[str, ...]): Folders, patterns, list files or files.
        weight (float, optional): Relative share of the draws.
        about (dict): What is known of the source.
    """

    name: str
    paths: tuple[str, ...]
    weight: float | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def parse_sources(
    sources: Sequence[Mapping[str, Any]] | Mapping[str, Any],
) -> list[CellSource]:
    """Bring the forms that ``CellImages.sources`` may have to one.

    Args:
        sources (Sequence[dict] | dict): See :class:`CellImages`.

    Returns:
        list[CellSource]: The sources, in their order.

    Raises:
        BadConfigError: If a source lacks its name or paths, a name comes
            twice, or a weight is not a positive number or given for some
            sources only.
    """
    if isinstance(sources, Mapping):
        sources = [
            dict(value, name=name)
            if isinstance(value, Mapping)
            else dict(name=name, paths=value)
            for name, value in sources.items()
        ]
    if not isinstance(sources, Sequence) or (
        isinstance(sources, str) or not sources
    ):
        raise BadConfigError(
            f'sources={sources!r}: name at least one source, as in '
            "sources=[dict(name='bccd', paths='data/cells/bccd')]"
        )
    parsed = [_parse_source(source) for source in sources]
    repeated = [
        name
        for name, n in Counter(source.name for source in parsed).items()
        if n > 1
    ]
    if repeated:
        raise BadConfigError(
            f'sources: the name(s) {", ".join(repeated)} come twice: give '
            'each source its own, or all paths of one to a single source'
        )
    weightless = [s.name for s in parsed if s.weight is None]
    if 0 < len(weightless) < len(parsed):
        raise BadConfigError(
            f'sources: {", ".join(weightless)} have no weight while others '
            'have: give one to all, or to none for equal shares of images'
        )
    return parsed


def _parse_source(source: Mapping[str, Any]) -> CellSource:
    if (
        not isinstance(source, Mapping)
        or not {'name', 'paths'} <= set(source) <= _SOURCE_KEYS
        or not source['paths']
    ):
        raise BadConfigError(
            f'sources: {source!r} is not a source: give it a name, paths '
            "and, if wanted, a weight, as in dict(name='bccd', "
            "paths='data/cells/bccd', weight=1.0)"
        )
    weight = source.get('weight')
    if weight is not None and not (
        isinstance(weight, (int, float)) and 0 < weight < float('inf')
    ):
        raise BadConfigError(
            f'sources: weight={weight!r} of {source["name"]!r} is not a '
            'positive number; to leave a source out, take it from the list'
        )
    about = source.get('about') or {}
    if not isinstance(about, Mapping):
        raise BadConfigError(
            f'sources: about={about!r} of {source["name"]!r} is not a dict, '
            "such as dict(licence='CC0', url='https://...')"
        )
    paths = source['paths']
    paths = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    if not isinstance(source['name'], str) or not are_texts(paths):
        raise BadConfigError(
            f'sources: {source!r}: its name is to be a text, its paths one '
            'or a list of them'
        )
    paths = tuple(map(os.fspath, paths))
    return CellSource(source['name'], paths, weight, about)


def are_texts(values: Any) -> bool:
    """Whether a value is a list of texts or paths.

    Args:
        values (Any): The value, as a config gave it.
    """
    return (
        isinstance(values, Sequence)
        and not isinstance(values, str)
        and all(isinstance(value, (str, os.PathLike)) for value in values)
    )
