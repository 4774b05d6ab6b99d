"""Reports of earlier test runs: read, and checked to be comparable."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)

from .coco_annotations import shorten

FILE_NAME = 'report.json'
# Of what is read of a report, where it is there.
_KINDS = {
    'ann_files': list,
    'ann_sha256': list,
    'counts': dict,
    'details': dict,
}


@dataclass(frozen=True)
class SavedReport:
    """One ``report.json`` and what to call it.

    Attributes:
        name (str): Name of the model.
        path (Path): The file.
        content (dict): What it holds.
        images (dict[str, dict]): Figures of each image by its file name;
            empty where the report has none.
    """

    name: str
    path: Path
    content: dict[str, Any]
    images: dict[str, dict[str, Any]]

    @property
    def metrics(self) -> dict[str, float | None]:
        """Scores of the whole test set by their name."""
        return self.content['metrics']


def read_reports(
    paths: Sequence[str | Path], names: Sequence[str] | None = None
) -> list[SavedReport]:
    """Read reports that are to be compared.

    Args:
        paths (Sequence[str | Path]): The files, or the folders that hold a
            ``report.json``.
        names (Sequence[str], optional): What to call them. Defaults to
            None: the folders' names, with as many parents as it takes to
            tell them apart.

    Returns:
        list[SavedReport]: The reports in the order given.

    Raises:
        BadConfigError: If there are fewer than two, one is given twice, or
            the names do not fit.
        MissingDataError: If there is no such file.
        BadDataError: If a file is no report.
    """
    if len(paths) < 2:
        raise BadConfigError(
            f'a comparison needs two reports or more, got {len(paths)}'
        )
    files = [_file_of(Path(path)) for path in paths]
    resolved = [file.resolve() for file in files]
    for first, second in combinations(range(len(files)), 2):
        if resolved[first] == resolved[second]:
            raise BadConfigError(
                f'{files[second]} is given twice: a report does not differ '
                'from itself'
            )
    if names is None:
        names = _names_of(resolved)
    elif len(names) != len(files) or len({*names}) != len(names):
        raise BadConfigError(
            f'{len(files)} reports need as many names, all different; got '
            f'{list(names)}'
        )
    return [_read(name, file) for name, file in zip(names, files)]


def baseline_name(wanted: str, reports: Sequence[SavedReport]) -> str:
    """Find the report that a user named as the baseline.

    Args:
        wanted (str): Its name, its file or its folder.
        reports (Sequence[SavedReport]): The reports.

    Returns:
        str: Its name.

    Raises:
        BadConfigError: If it is none of the reports.
    """
    path = Path(wanted).resolve()
    for report in reports:
        file = report.path.resolve()
        if wanted == report.name or path in (file, file.parent):
            return report.name
    raise BadConfigError(
        f'the baseline {wanted!r} is none of the reports '
        f'{[report.name for report in reports]}'
    )


def check_comparable(reports: Sequence[SavedReport]) -> list[str]:
    """Make sure that reports are of the same test images.

    Args:
        reports (Sequence[SavedReport]): The reports; all are compared with
            the first.

    Returns:
        list[str]: What a reader should know about the reports, in sentences.

    Raises:
        BadDataError: If they are of different annotation files, images or
            ground truth.
    """
    first, notes = reports[0], []
    for other in reports[1:]:
        hashes = [_ann_hashes(one) for one in (first, other)]
        if all(hashes) and hashes[0] != hashes[1]:
            raise BadDataError(
                f'{first.path} and {other.path} are of different annotation '
                f'files: {_files(first)} and {_files(other)} have not the '
                'same checksums. Test both models with the same test set: '
                f'python tools/test.py CONFIG CHECKPOINT --report DIR'
            )
        if not all(hashes):
            notes.append(
                f'{first.name} and {other.name}: the checksums of the '
                'annotation files are not known for both, and whether they '
                'agree was seen from the images alone.'
            )
        _check_counts(first, other)
        if first.images and other.images:
            _check_images(first, other)
    notes += _different_settings(reports)
    for one, two in combinations(reports, 2):
        same = one.content.get('checkpoint_sha256')
        if same and same == two.content.get('checkpoint_sha256'):
            notes.append(
                f'{one.name} and {two.name} are tests of the same checkpoint.'
            )
    old = [report for report in reports if not report.images]
    if old:
        notes.append(
            'Without figures of single images, and so left out of the paired '
            f'differences: {", ".join(str(report.path) for report in old)} '
            '(written by an earlier version, or without cell scores). Test '
            'again for them: python tools/test.py CONFIG CHECKPOINT --report '
            'DIR'
        )
    return notes


def _file_of(path: Path) -> Path:
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise MissingDataError(
            f'the report {file} does not exist; write one with: python '
            'tools/test.py CONFIG CHECKPOINT --report DIR'
        )
    return file


def _names_of(files: Sequence[Path]) -> list[str]:
    folders = [file.parent.parts for file in files]
    stems = [() if file.name == FILE_NAME else (file.stem,) for file in files]
    for depth in range(1, max(map(len, folders)) + 1):
        names = [
            '/'.join((*folder[-depth:], *stem))
            for folder, stem in zip(folders, stems)
        ]
        if len({*names}) == len(names):
            break
    return names


def _read(name: str, file: Path) -> SavedReport:
    try:
        content = json.loads(file.read_text(encoding='utf-8'))
    # Broken json and what is no UTF-8 are ValueErrors.
    except (ValueError, RecursionError) as error:
        raise BadDataError(f'{file} is not JSON: {error}') from error
    metrics = content.get('metrics') if isinstance(content, dict) else None
    if not isinstance(metrics, dict):
        raise BadDataError(
            f"{file} is no report of tools/test.py: it lacks 'metrics'"
        )
    _check_kinds(content, file)
    rows = content.get('images') or []
    if not isinstance(rows, list) or any(
        not isinstance(row, dict) for row in rows
    ):
        raise BadDataError(f"{file}: 'images' is no list of figures by image")
    images: dict[str, dict[str, Any]] = {}
    for row in rows:
        # Ground truth that came with the data samples has no file names.
        key = row.get('file_name') or f'image id {row.get("img_id")}'
        if not isinstance(key, str):
            raise BadDataError(f'{file}: the file name {key!r} is no text')
        if key in images:
            raise BadDataError(
                f'{file} has {key!r} twice among its images, so that they '
                'cannot be joined by their file names'
            )
        images[key] = row
    return SavedReport(name, file, content, images)


def _check_kinds(content: dict[str, Any], file: Path) -> None:
    """Refuse what a test run does not write, such as a score in words."""
    wrong = [
        f'metrics[{name!r}]={value!r}'
        for name, value in content['metrics'].items()
        if value is not None and not is_number(value)
    ]
    for key, kind in _KINDS.items():
        value = content.get(key)
        good = not value or isinstance(value, kind)
        if good and kind is list:
            good = all(isinstance(i, (str, type(None))) for i in value or ())
        if not good:
            wrong.append(f'{key}={value!r}')
    if wrong:
        raise BadDataError(
            f'{file} is no report of tools/test.py: {shorten(wrong, 3)}; '
            'write it anew'
        )


def is_number(value: Any) -> bool:
    """Whether a value of a report is a number that a float can hold.

    Args:
        value (Any): The value, as json gave it.
    """
    return isinstance(value, float) or (
        isinstance(value, int) and abs(value) <= sys.float_info.max
    )


def _different_settings(reports: Sequence[SavedReport]) -> list[str]:
    """Name what was set otherwise for one report than for another."""
    settings: dict[str, dict[str, Any]] = {}
    for report in reports:
        details = report.content.get('details') or {}
        found = {'max_dets': details.get('max_dets')} | {
            metric.rpartition('/')[2]: value
            for metric, value in report.metrics.items()
            if metric.endswith('cells_score_thr')
        }
        for setting, value in found.items():
            if value is not None:
                settings.setdefault(setting, {})[report.name] = value
    return [
        f'The reports were made with different values of {setting}, and '
        'part of their differences is due to that: '
        + ', '.join(f'{name} {value}' for name, value in values.items())
        + '.'
        for setting, values in settings.items()
        if len({*map(str, values.values())}) > 1
    ]


def _ann_hashes(report: SavedReport) -> list[str]:
    """Checksums of the annotation files; none if one is not known."""
    hashes = report.content.get('ann_sha256') or []
    return sorted(hashes) if all(hashes) else []


def _files(report: SavedReport) -> str:
    return ', '.join(report.content.get('ann_files') or ['(not named)'])


def _check_counts(first: SavedReport, other: SavedReport) -> None:
    for count in ('num_images', 'num_instances'):
        values = [
            (report.content.get('counts') or {}).get(count)
            for report in (first, other)
        ]
        if None not in values and values[0] != values[1]:
            raise BadDataError(
                f'{first.path} and {other.path} are not of the same test '
                f'set: {count} is {values[0]} and {values[1]}'
            )


def _check_images(first: SavedReport, other: SavedReport) -> None:
    for one, two in ((first, other), (other, first)):
        lacking = [name for name in one.images if name not in two.images]
        if lacking:
            raise BadDataError(
                f'{two.path} lacks {len(lacking)} of the '
                f'{len(one.images)} images of {one.path}: '
                f'{shorten(lacking)}. Test both models with the same images'
            )
    for name, row in first.images.items():
        truths = [
            image.get('cells', image.get('num_truth'))
            for image in (row, other.images[name])
        ]
        if None not in truths and truths[0] != truths[1]:
            raise BadDataError(
                f'{name} has {truths[0]} cells in the ground truth of '
                f'{first.path} and {truths[1]} in that of {other.path}'
            )
