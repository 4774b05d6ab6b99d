"""Run a conversion: images in parallel, one json, one report."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cupre_mm.utils.archives import SourceTree, open_source
from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.coco_json import canonical_json, write_json
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.labelled_sets.coco_records import (
    IMAGE_CASES,
    Cases,
    build_coco,
    collect_cases,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.resumable import WorkItem, run_resumable

INSTANCES = 'instances.json'
REPORT = 'conversion_report.json'
JOURNAL = 'instances.progress.jsonl'
_MOST_LISTED = 5
# Raised when records change their meaning, so that old journals do not count.
_RECORD_VERSION = 1


@dataclass
class LabelledSet:
    """What is to be converted, and how.

    Attributes:
        items (Sequence[WorkItem]): The images, in the order of their ids.
        work (Callable): Picklable; turns (tree, item, ``images=`` folder,
            ``rules=``) into a record, see :mod:`.coco_records`.
        categories (list[dict]): The json's.
        meanings (dict[str, str]): A phrase for each kind of case, besides
            those of images and of the rules.
        bad (tuple[str]): The kinds that stop the conversion unless they are
            allowed, besides images that cannot be used.
        found (Cases): Cases met before any image was opened.
        keys (dict[str, Any]): More entries of the json, such as ``info``.
        check (Callable, optional): Takes the result; raises BadDataError
            where it shows that the set is of another kind, and returns what
            to warn of. Defaults to None.
    """

    items: Sequence[WorkItem]
    work: Callable[..., dict]
    categories: list[dict]
    meanings: dict[str, str]
    bad: tuple[str, ...] = ()
    found: Cases = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    check: Callable[['Converted'], list[str]] | None = None


@dataclass
class Converted:
    """What a conversion did.

    Attributes:
        images (int): In the json.
        annotations (int): In the json.
        converted (int): Images done in this run.
        cases (Cases): Files and objects met, by kind.
        meanings (dict[str, str]): A phrase for each kind.
        warnings (list[str]): What else the user should look at.
    """

    images: int
    annotations: int
    converted: int
    cases: Cases
    meanings: dict[str, str]
    warnings: list[str] = field(default_factory=list)


def convert_set(
    src: str | Path,
    out: str | Path,
    find: Callable[[SourceTree], LabelledSet],
    *,
    rules: ObjectRules,
    workers: int = 1,
    allow_bad: bool = False,
    hint: str = '',
) -> Converted:
    """Convert a labelled set; images done by an earlier run are not redone.

    Writes ``OUT/images``, ``OUT/annotations/instances.json`` and, beside it,
    ``conversion_report.json``; the report also where bad files stop it.

    Args:
        src (str | Path): A zip or folder.
        out (str | Path): The folder to write.
        find (Callable[[SourceTree], LabelledSet]): Finds what is in it.
        rules (ObjectRules): What becomes of odd objects.
        workers (int): Processes. Defaults to 1.
        allow_bad (bool): Whether what cannot be used is left out instead of
            stopping the conversion. Defaults to False.
        hint (str): Where the set can be had, for the message when ``src``
            does not exist. Defaults to ''.

    Returns:
        Converted: What was done.

    Raises:
        MissingDataError: If ``src`` does not exist.
        BadDataError: If it is not such a set, or has bad files.
        BadConfigError: If ``out`` lies in ``src``.
    """
    _refuse_nested(Path(src), Path(out))
    folder, images = Path(out) / 'annotations', Path(out) / 'images'
    with open_source(src, hint) as tree:
        labelled = find(tree)
        make_folder(folder)
        make_folder(images)
        # An older json must not outlive images that are about to change.
        (folder / INSTANCES).unlink(missing_ok=True)
        done, converted = run_resumable(
            labelled.items,
            partial(labelled.work, images=images, rules=rules),
            folder / JOURNAL,
            workers,
            context=partial(open_source, src),
            is_whole=lambda record: (images / record['file_name']).is_file(),
        )
    records = [done[item.name] for item in labelled.items]
    meanings = {**IMAGE_CASES, **labelled.meanings, **rules.meanings()}
    cases = collect_cases(records, meanings)
    for kind, places in labelled.found.items():
        cases[kind] = places + cases[kind]
    coco = build_coco(records, labelled.categories, **labelled.keys)
    result = Converted(
        len(coco['images']),
        len(coco['annotations']),
        converted,
        cases,
        meanings,
    )
    write_json(folder / REPORT, _report(result, rules), indent=1)
    if labelled.check:
        result.warnings += labelled.check(result)
    if not allow_bad:
        _refuse_bad(src, result, ('unreadable_images', *labelled.bad), folder)
    write_json(folder / INSTANCES, coco)
    return result


def fingerprint(tree: SourceTree, files: Iterable[str], *settings: Any) -> str:
    """What changes when an image has to be converted anew.

    Args:
        tree (SourceTree): The source.
        files (Iterable[str]): All files of the image.
        *settings (Any): What else its record depends on, as json can hold
            it.

    Returns:
        str: SHA-256 in hex.
    """
    parts = [
        f'{file.rsplit("/", 1)[-1]}:{_checksum(tree, file)}' for file in files
    ]
    content = canonical_json([_RECORD_VERSION, parts, *settings])
    return hashlib.sha256(content).hexdigest()


def _checksum(tree: SourceTree, file: str) -> str:
    try:
        return tree.checksum(file)
    except BadDataError:
        # Met again, listed and judged when the image is converted.
        return 'unreadable'


def _refuse_nested(src: Path, out: Path) -> None:
    if src.is_dir() and out.resolve().is_relative_to(src.resolve()):
        raise BadConfigError(
            f'the output folder {out} lies in the source {src}: the next run '
            "would take its images for the source's; choose another one"
        )


def _refuse_bad(
    src: str | Path, result: Converted, kinds: tuple[str, ...], folder: Path
) -> None:
    bad = [place for kind in kinds for place in result.cases[kind]]
    if not bad:
        return
    counts = ', '.join(
        f'{len(result.cases[kind])} {result.meanings[kind]}'
        for kind in kinds
        if result.cases[kind]
    )
    shown = '; '.join(bad[:_MOST_LISTED])
    raise BadDataError(
        f'{src}: {counts}: {shown}'
        f'{"; ..." if len(bad) > _MOST_LISTED else ""}. All are listed in '
        f'{folder / REPORT}. Mend them and run the same command again, or '
        'add --allow-bad to leave them out'
    )


def _report(result: Converted, rules: ObjectRules) -> dict[str, Any]:
    return {
        'images': result.images,
        'annotations': result.annotations,
        'rules': rules.as_dict(),
        'counts': {kind: len(places) for kind, places in result.cases.items()},
        'meanings': result.meanings,
        'cases': result.cases,
    }
