"""Choose the annotation files of a conversion among those found."""

from collections.abc import Sequence
from pathlib import Path

from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.livecell.cell_types import CELL_TYPES
from cupre_mm.utils.livecell.source_files import (
    HINT,
    PARTS,
    LivecellFiles,
    SourceFile,
    the_one,
)

# By percent of the training part.
OFFICIAL_FILES = {
    2: '0_train2percent.json',
    4: '1_train4percent.json',
    5: '2_train5percent.json',
    25: '3_train25percent.json',
    50: '4_train50percent.json',
}


def choose_annotation_files(
    found: LivecellFiles,
    cell_types: Sequence[str] | None,
    sources: Sequence[Path],
) -> dict[str, list[SourceFile]]:
    """Take the files of all cell types, or else those of one type each.

    Args:
        found (LivecellFiles): What there is.
        cell_types (Sequence[str], optional): The cell types to convert; None
            stands for all.
        sources (Sequence[Path]): Where it was looked for, for the message.

    Returns:
        dict[str, list[SourceFile]]: The files of each part.

    Raises:
        MissingDataError: If a part lacks files.
        BadDataError: If two files of one name differ.
    """
    wanted = CELL_TYPES if cell_types is None else cell_types
    chosen: dict[str, list[SourceFile]] = {}
    missing = []
    for part in PARTS:
        single = found.single.get(part, {})
        absent = [kind for kind in wanted if kind not in single]
        if part in found.full:
            chosen[part] = [the_one(found.full[part])]
        elif not absent:
            chosen[part] = [the_one(single[kind]) for kind in wanted]
        else:
            there = [kind for kind in wanted if kind in single]
            missing.append(
                f'livecell_coco_{part}.json'
                + (
                    f' (single-type files only of {", ".join(there)})'
                    if there
                    else ''
                )
            )
    if missing:
        raise MissingDataError(_message(missing, found, wanted, sources))
    return chosen


def missing_official(found: LivecellFiles) -> list[str]:
    """Name the official training splits that the user does not have.

    Args:
        found (LivecellFiles): What there is.

    Returns:
        list[str]: File names.
    """
    return [
        name
        for percent, name in OFFICIAL_FILES.items()
        if percent not in found.official
    ]


def _message(
    missing: list[str],
    found: LivecellFiles,
    wanted: Sequence[str],
    sources: Sequence[Path],
) -> str:
    complete = [
        kind
        for kind in wanted
        if all(
            part in found.full or kind in found.single.get(part, {})
            for part in PARTS
        )
    ]
    strange = [name for name in found.ignored if name.endswith('.json')]
    return ' '.join(
        [
            f'{", ".join(map(str, sources))}: needed and not there: '
            f'{", ".join(missing)}. In place of one of them a part may have '
            'LIVECell_single_cells/<type>/{train,val,test}.json of every '
            'cell type;',
            f'optional are {", ".join(OFFICIAL_FILES.values())}.',
            *(
                [f'Not recognised by its name: {", ".join(strange[:5])}.']
                if strange
                else []
            ),
            *(
                [
                    f'To convert what there is: --cell-types '
                    f'{" ".join(complete)}.'
                ]
                if complete and len(complete) < len(wanted)
                else []
            ),
            HINT,
        ]
    )
