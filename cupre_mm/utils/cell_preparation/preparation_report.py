"""What became of every file: kept for each source, joined for the user."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cupre_mm.utils.cell_preparation.duplicates import Duplicate
from cupre_mm.utils.cell_preparation.raw_sources import Listing, RawSource
from cupre_mm.utils.coco_json import write_json

REPORT = 'preparation_report.json'
# Hidden, so that no data set takes what lies in it for a source.
STATE_FOLDER = '.preparation'

COUNTS = {
    'files': 'image files',
    'unreadable': 'files that cannot be used',
    'excluded': 'files left out by --exclude',
    'stacks': 'files that hold more than one plane or channel',
    'tiled': 'files cut into tiles',
    'duplicates': 'images dropped: the same pixels are there already',
    'near_duplicates': 'images dropped: nearly the same is there already',
    'blank': 'images without contrast, kept',
    'label_like': 'files that look like label images, kept',
    'noted': 'files with notes',
    'images': 'images written',
}


def section_of(
    source: RawSource,
    options: dict[str, Any],
    listing: Listing,
    records: dict[str, dict],
    duplicates: Sequence[Duplicate],
) -> dict[str, Any]:
    """Write up a source whose files are all done.

    Args:
        source (RawSource): The source.
        options (dict): As they were chosen.
        listing (Listing): Its files.
        records (dict[str, dict]): Of ``convert_file``, by file.
        duplicates (Sequence[Duplicate]): Images of it that were dropped.

    Returns:
        dict: ``path``, ``finished``, ``options``, ``counts`` (see
        :data:`COUNTS`), ``files``, ``excluded`` and ``other_files`` by
        extension. Each file has ``error``, ``stacks``, ``notes``,
        ``label_like``, ``images`` and ``dropped``.
    """
    gone = {duplicate.file: duplicate for duplicate in duplicates}
    files = {
        name: _file_entry(record, gone) for name, record in records.items()
    }
    kept = {image for entry in files.values() for image in entry['images']}
    blank = sum(
        image['blank'] and image['file'] in kept
        for record in records.values()
        for image in record['images']
    )
    near = sum(d.distance is not None for d in duplicates)
    entries = files.values()
    counts = {
        'files': len(files),
        'unreadable': sum(entry['error'] is not None for entry in entries),
        'excluded': len(listing.excluded),
        'stacks': sum(
            max((max(s['sizes'].values()) for s in e['stacks']), default=1) > 1
            for e in entries
        ),
        'tiled': sum(
            any('_tile_y' in image['file'] for image in record['images'])
            for record in records.values()
        ),
        'duplicates': len(duplicates) - near,
        'near_duplicates': near,
        'blank': blank,
        'label_like': sum(entry['label_like'] for entry in entries),
        'noted': sum(bool(entry['notes']) for entry in entries),
        'images': len(kept),
    }
    return {
        'path': source.path,
        'finished': True,
        'options': options,
        'counts': counts,
        'files': files,
        'excluded': listing.excluded,
        'other_files': dict(sorted(listing.passed_over.items())),
    }


def dropped_images(section: dict[str, Any]) -> set[str]:
    """Images of a source that an earlier run has dropped.

    Args:
        section (dict): Of :func:`section_of`, or an empty one.

    Returns:
        set[str]: Their files.
    """
    return {
        dropped['image']
        for entry in section.get('files', {}).values()
        for dropped in entry['dropped']
    }


def journal_of(out: Path, source: str) -> Path:
    """Where the progress of a source is kept.

    Args:
        out (Path): The output folder.
        source (str): Name of the source.

    Returns:
        Path: A file, which may be missing.
    """
    return out / STATE_FOLDER / f'{source}.jsonl'


def read_section(out: Path, source: str) -> dict[str, Any]:
    """Read what an earlier run has said of a source.

    Args:
        out (Path): The output folder.
        source (str): Name of the source.

    Returns:
        dict: See :func:`section_of`; empty where there is none.
    """
    try:
        return json.loads(_section_file(out, source).read_bytes())
    except (OSError, ValueError):
        return {}


def write_section(out: Path, source: str, section: dict[str, Any]) -> None:
    """Keep a source's section.

    Args:
        out (Path): The output folder.
        source (str): Name of the source.
        section (dict): See :func:`section_of`.
    """
    write_json(_section_file(out, source), section)


def known_sources(out: Path) -> list[str]:
    """Sources that this tool has written to a folder and that are there.

    Args:
        out (Path): The output folder.

    Returns:
        list[str]: Their names, sorted.
    """
    return sorted(
        file.stem
        for file in (out / STATE_FOLDER).glob('*.json')
        if (out / file.stem).is_dir()
    )


def write_report(out: Path) -> dict[str, Any]:
    """Join the sections of all sources in a folder.

    Args:
        out (Path): The output folder.

    Returns:
        dict: What was written to ``preparation_report.json``: ``counts`` of
        all finished sources, ``unfinished`` ones and ``sources``.
    """
    sections = {name: read_section(out, name) for name in known_sources(out)}
    finished = {
        name: section
        for name, section in sections.items()
        if section.get('finished')
    }
    report = {
        'counts': {
            key: sum(s['counts'][key] for s in finished.values())
            for key in COUNTS
        },
        'unfinished': sorted(sections.keys() - finished.keys()),
        'sources': finished,
    }
    write_json(out / REPORT, report, indent=1)
    return report


def _section_file(out: Path, source: str) -> Path:
    return out / STATE_FOLDER / f'{source}.json'


def _file_entry(
    record: dict[str, Any], gone: dict[str, Duplicate]
) -> dict[str, Any]:
    images = record['images']
    pictures = [image for image in images if not image['blank']]
    return {
        'error': record['error'],
        'stacks': record['stacks'],
        'notes': record['notes'],
        'label_like': bool(pictures)
        and all(image['labels'] for image in pictures),
        'images': [i['file'] for i in images if i['file'] not in gone],
        'dropped': [
            {
                'image': image['file'],
                'of': gone[image['file']].of,
                'distance': gone[image['file']].distance,
            }
            for image in images
            if image['file'] in gone
        ],
    }
