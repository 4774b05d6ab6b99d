"""What a run over folders did, for people and for programs."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cupre_mm
from cupre_mm.apis.exporters import MontageEntry, write_montage
from cupre_mm.apis.folder_inputs import FolderInputs, describe_passed_over
from cupre_mm.apis.folder_run import FolderResult
from cupre_mm.apis.folder_settings import FolderSettings
from cupre_mm.apis.segmentation import LARGEST_UINT16
from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.coco_json import write_json

SUMMARY = 'run_summary.json'
PAGE = 'run_summary.md'
MONTAGE = 'montage.png'
_MONTAGES = 'montage*.png'
_PACKAGES = (
    *('torch', 'mmengine', 'mmcv', 'onedl-mmcv', 'mmdet', 'onedl-mmdetection'),
    *('numpy', 'opencv-python', 'opencv-python-headless', 'scikit-image'),
    *('tifffile', 'imagecodecs', 'pillow'),
)
# What the counts of a segmentation mean to the user; those that are not here
# are what the user asked for.
_MEANINGS = {
    'cut_by_tiles': 'cells lie in no tile whole and may be cut: raise '
    '--overlap above the largest cell, or --tile',
    'tiles_at_limit': 'tiles have as many detections as the model gives, so '
    'cells may be missing: lower --tile, or raise --cfg-options '
    'model.test_cfg.rcnn.max_per_img',
}


def remove_summary(out: Path) -> None:
    """Remove the summary of an earlier run: one that is there is finished.

    Args:
        out (Path): The output folder.
    """
    for path in (out / SUMMARY, out / PAGE, *out.glob(_MONTAGES)):
        path.unlink(missing_ok=True)


def summarise(
    inputs: FolderInputs, settings: FolderSettings, result: FolderResult
) -> dict[str, Any]:
    """Put together what a run did.

    Args:
        inputs (FolderInputs): What was asked for.
        settings (FolderSettings): How.
        result (FolderResult): What became of it.

    Returns:
        dict: Of plain types. All but ``this_run`` is the same whenever, and
        in however many steps, the run was made.
    """
    counts: dict[str, int] = {}
    for record in result.records:
        for name, value in record['counts'].items():
            counts[name] = counts.get(name, 0) + value
    return {
        'finished': True,
        'versions': _versions(),
        'settings': {
            'config': settings.config,
            'config_sha256': settings.config_hash,
            'checkpoint': settings.checkpoint,
            'checkpoint_sha256': settings.checkpoint_hash,
            'options': asdict(settings.options),
            'planes': asdict(settings.selection),
            'series': settings.series,
            'outputs': list(settings.outputs),
            'compress': settings.compress,
        },
        'files': len(inputs.files),
        'images': len(result.records),
        'cells': sum(record['cells'] for record in result.records),
        'counts': counts,
        'warnings': list(warnings_of(inputs, result)),
        'failures': dict(sorted(result.failures.items())),
        'results': [
            {
                'image': record['file'],
                'plane': record['suffix'],
                'height': record['shape'][0],
                'width': record['shape'][1],
                'cells': record['cells'],
                'magnification': record['factor'],
                'tiles': record['tiles'],
                'counts': record['counts'],
                'notes': record['notes'],
                'outputs': {
                    name: output['path']
                    for name, output in record['outputs'].items()
                },
            }
            for record in result.records
        ],
        'this_run': {
            'images': result.done_now,
            'seconds': round(result.seconds, 1),
        },
    }


def warnings_of(inputs: FolderInputs, result: FolderResult) -> Iterable[str]:
    """Say what a user should look at.

    Args:
        inputs (FolderInputs): What was asked for.
        result (FolderResult): What became of it.

    Yields:
        str: A sentence each.
    """
    for name, meaning in _MEANINGS.items():
        found = [
            (record['counts'][name], record['name'])
            for record in result.records
            if record['counts'].get(name)
        ]
        if found:
            total = sum(count for count, _ in found)
            yield (
                f'{total} {meaning} ({len(found)} images, most in '
                f'{max(found)[1]})'
            )
    empty = [
        record['name'] for record in result.records if not record['cells']
    ]
    if empty:
        yield f'No cell was found in {len(empty)} images: {_some(empty)}'
    crowded = [
        record['name']
        for record in result.records
        if record['cells'] > LARGEST_UINT16 and 'label' in record['outputs']
    ]
    if crowded:
        yield (
            f'The label images of {len(crowded)} images have more than '
            f'{LARGEST_UINT16:,} cells and are plain 32-bit TIFFs, of '
            'unsigned whole numbers; ImageJ shows them as 32-bit floats, '
            f'which are exact here: {_some(crowded)}'
        )
    for path in result.changed:
        yield (
            f'{path} is a result that was changed after it was written; it '
            'was kept under this name, and the result made anew'
        )
    for record in result.records:
        for note in record['notes']:
            yield f'{record["name"]}: {note}'
    passed_over = describe_passed_over(inputs)
    if passed_over:
        yield passed_over


def write_summary(out: Path, summary: Mapping[str, Any]) -> list[Path]:
    """Write a summary as json, as a page, and as a picture.

    Args:
        out (Path): The output folder.
        summary (Mapping[str, Any]): Of :func:`summarise`.

    Returns:
        list[Path]: The files. The picture, of one page or more, is there if
        overlays are.
    """
    page, data = out / PAGE, out / SUMMARY
    montage = write_montage(
        [
            MontageEntry(
                one['image'] + one['plane'],
                out / one['outputs']['overlay'],
                one['cells'],
            )
            for one in summary['results']
            if 'overlay' in one['outputs']
        ],
        out / MONTAGE,
    )
    write_atomically(page, '\n'.join(_page(summary)).encode())
    # Last: it tells that the run has finished.
    write_json(data, dict(summary), indent=2)
    return [data, page, *montage]


def _page(summary: Mapping[str, Any]) -> Iterable[str]:
    settings = summary['settings']
    yield '# Segmentation of a folder'
    yield ''
    yield (
        f'{summary["files"]} files, {summary["images"]} images segmented, '
        f'{summary["cells"]} cells, {len(summary["failures"])} failures.'
    )
    yield ''
    for title, lines in (
        ('Failures', [f'- {text}' for text in summary['failures'].values()]),
        ('To look at', [f'- {text}' for text in summary['warnings']]),
    ):
        if lines:
            yield from (f'## {title}', '', *lines, '')
    yield from ('## Images', '')
    yield '| image | size (px) | cells | tiles | left out |'
    yield '|---|---|---|---|---|'
    for one in summary['results']:
        left_out = ', '.join(
            f'{name} {count}' for name, count in one['counts'].items() if count
        )
        name = (one['image'] + one['plane']).replace('|', '\\|')
        yield (
            f'| {name} | {one["width"]} x {one["height"]} | {one["cells"]} '
            f'| {one["tiles"]} | {left_out or "-"} |'
        )
    yield from ('', '## Settings', '')
    for name, value in (
        ('config', settings['config']),
        ('config SHA-256', settings['config_sha256']),
        ('checkpoint', settings['checkpoint']),
        ('checkpoint SHA-256', settings['checkpoint_sha256']),
        *settings['options'].items(),
        *(
            (name, value)
            for name, value in settings['planes'].items()
            if value is not None
        ),
        ('series', settings['series']),
        ('outputs', ' '.join(settings['outputs'])),
        ('compress', settings['compress']),
    ):
        yield f'- {name}: {value}'
    yield from ('', '## Versions', '')
    for name, value in summary['versions'].items():
        yield f'- {name}: {value}'
    yield ''


def _some(names: list[str], shown: int = 5) -> str:
    rest = len(names) - shown
    return ', '.join(names[:shown]) + (f' and {rest} more' if rest > 0 else '')


def _versions() -> dict[str, str]:
    found = {
        'cupre_mm': cupre_mm.__version__,
        'python': platform.python_version(),
    }
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
