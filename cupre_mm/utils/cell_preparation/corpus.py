"""Prepares whole sources, and says what became of every file."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.cell_preparation.conversion import (
    PreparationItem,
    convert_file,
    remove_leftovers,
)
from cupre_mm.utils.cell_preparation.duplicates import (
    Duplicate,
    HashedImage,
    find_duplicates,
)
from cupre_mm.utils.cell_preparation.output_names import output_stems
from cupre_mm.utils.cell_preparation.preparation_options import (
    PreparationOptions,
)
from cupre_mm.utils.cell_preparation.preparation_report import (
    dropped_images,
    journal_of,
    known_sources,
    read_section,
    section_of,
    write_report,
    write_section,
)
from cupre_mm.utils.cell_preparation.raw_sources import (
    Listing,
    RawSource,
    list_files,
    unmatched_patterns,
)
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.resumable import read_journal, run_resumable


class PreparationResult(NamedTuple):
    """What a run has done.

    Attributes:
        sections (dict[str, dict]): Of ``section_of``, by source.
        removed (dict[str, int]): Images of earlier runs that no file or
            option stands for any more, by source.
        unmatched (list[str]): Patterns that left out no file.
    """

    sections: dict[str, dict[str, Any]]
    removed: dict[str, int]
    unmatched: list[str]


class _Task(NamedTuple):
    """A source and its files."""

    source: RawSource
    listing: Listing
    items: list[PreparationItem]


def prepare_corpus(
    sources: Sequence[RawSource],
    out: str | Path,
    options: PreparationOptions,
    exclude: Sequence[str] = (),
    near: int | None = None,
    workers: int = 1,
) -> PreparationResult:
    """Write the images of some sources; files done before are not redone.

    Duplicates are dropped once all files of the run are done. Of two, that
    stays which comes first: images of other sources that an earlier run has
    written to ``out``, then the sources in the order given, each by name.
    The number of processes has no part in it.

    Args:
        sources (Sequence[RawSource]): What to prepare.
        out (str | Path): Gets a folder for each source and
            ``preparation_report.json``.
        options (PreparationOptions): What to make of a file.
        exclude (Sequence[str]): Patterns of files to leave out. Defaults
            to ().
        near (int, optional): Most bits in which the perceptual hashes of
            near duplicates differ, which are then dropped. Defaults to
            None: only exact duplicates are.
        workers (int): Processes. Defaults to 1.

    Returns:
        PreparationResult: What became of the files of these sources.

    Raises:
        MissingDataError: If a source does not exist or has no image.
        BadConfigError: If ``out`` holds, or lies in, what is no output of
            this function.
    """
    out = Path(out)
    tasks = [_list(source, out, options, exclude) for source in sources]
    _check_targets(tasks, out)
    remove_leftovers(out)
    before = {}
    for task in tasks:
        name = task.source.name
        make_folder(out / name)
        before[name] = dropped_images(read_section(out, name))
        # What follows changes the images that the old report speaks of.
        old = {**read_section(out, name), 'finished': False}
        write_section(out, name, old)
    write_report(out)
    records = {}
    for i, task in enumerate(tasks, 1):
        name = task.source.name
        print(
            f'source {i} of {len(tasks)}, {name}: {len(task.items)} image '
            f'files of {task.source.path}',
            flush=True,
        )
        records[name] = _convert(task, out, options, workers, before[name])
    others = _images_of_others(out, tasks)
    images = [
        HashedImage(i['file'], i['digest'], i['hash'], i['blank'])
        for of_source in records.values()
        for record in of_source.values()
        for i in record['images']
    ]
    duplicates = find_duplicates([*others, *images], near, len(others))
    gone = {duplicate.file for duplicate in duplicates}
    for task in tasks:
        _write_again(task, out, options, workers, gone)
    sections, removed = {}, {}
    for task in tasks:
        name = task.source.name
        own = [d for d in duplicates if d.file.startswith(f'{name}/')]
        section = section_of(
            task.source,
            {**asdict(options), 'exclude': list(exclude), 'near': near},
            task.listing,
            records[name],
            own,
        )
        kept = [
            image
            for entry in section['files'].values()
            for image in entry['images']
        ]
        write_section(out, name, section)
        removed[name] = _remove_others(out, name, set(kept), own)
        sections[name] = section
    write_report(out)
    listings = [task.listing for task in tasks]
    return PreparationResult(
        sections, removed, unmatched_patterns(exclude, listings)
    )


def _list(
    source: RawSource,
    out: Path,
    options: PreparationOptions,
    exclude: Sequence[str],
) -> _Task:
    listing = list_files(source, exclude)
    stems = output_stems(file.name for file in listing.files)
    items = [
        PreparationItem(
            name=file.name,
            fingerprint=f'{options.fingerprint} {file.fingerprint} '
            f'{stems[file.name]}',
            path=file.path,
            stem=f'{source.name}/{stems[file.name]}',
        )
        for file in listing.files
    ]
    return _Task(source, listing, items)


def _check_targets(tasks: list[_Task], out: Path) -> None:
    for task in tasks:
        target = (out / task.source.name).resolve()
        root = Path(task.source.path).expanduser().resolve()
        inside = [
            item.path
            for item in task.items
            if not task.source.is_archive
            and target in Path(os.path.abspath(item.path)).parents
        ]
        if inside or (root.is_dir() and root in (target, *target.parents)):
            raise BadConfigError(
                f'{target} would be written within {task.source.path}, which '
                'is read: choose another OUT'
            )
        if (
            target.is_dir()
            and any(target.iterdir())
            and not journal_of(out, task.source.name).is_file()
        ):
            raise BadConfigError(
                f'{target} holds files that this tool has not written: '
                'choose another OUT, remove the folder, or give the source '
                f'another name, as in NAME={task.source.path}'
            )


def _convert(
    task: _Task,
    out: Path,
    options: PreparationOptions,
    workers: int,
    dropped: set[str],
) -> dict[str, dict]:
    """Records of all files; those of an earlier run where nothing changed."""

    def is_whole(record: dict) -> bool:
        # What could not be read may have been a disk that was away.
        return record['error'] is None and all(
            image['file'] in dropped or (out / image['file']).is_file()
            for image in record['images']
        )

    records, _ = run_resumable(
        task.items,
        partial(convert_file, options=options, out=out),
        journal_of(out, task.source.name),
        workers,
        context=task.source.context(),
        is_whole=is_whole,
        unit='file',
    )
    return records


def _write_again(
    task: _Task,
    out: Path,
    options: PreparationOptions,
    workers: int,
    gone: set[str],
) -> None:
    """Restore what an earlier run dropped for an image that is no more."""
    records = read_journal(journal_of(out, task.source.name))
    if all(
        image['file'] in gone or (out / image['file']).is_file()
        for record in records.values()
        for image in record['images']
    ):
        return
    _convert(task, out, options, workers, gone)


def _images_of_others(out: Path, tasks: list[_Task]) -> list[HashedImage]:
    """Images that stay from earlier runs on other sources."""
    own = {task.source.name for task in tasks}
    return [
        HashedImage(i['file'], i['digest'], i['hash'], i['blank'])
        for name in known_sources(out)
        if name not in own
        for record in read_journal(journal_of(out, name)).values()
        for i in record['images']
        if (out / i['file']).is_file()
    ]


def _remove_others(
    out: Path, name: str, kept: set[str], duplicates: list[Duplicate]
) -> int:
    """Delete what is not of this run; count it, but for duplicates."""
    known = {duplicate.file for duplicate in duplicates}
    removed = 0
    for folder, _, files in os.walk(out / name, topdown=False):
        for file in files:
            path = Path(folder) / file
            relative = path.relative_to(out).as_posix()
            is_part = file.startswith('.') and file.endswith('.part')
            if is_part or (file.endswith('.png') and relative not in kept):
                path.unlink()
                removed += not is_part and relative not in known
        if Path(folder) != out / name and not any(Path(folder).iterdir()):
            Path(folder).rmdir()
    return removed
