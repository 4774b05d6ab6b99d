"""The figures of predictors as a table."""

from __future__ import annotations

from statistics import median
from typing import Any

from cupre_mm.utils.prediction_benchmark.command_line import OURS


def table(figures: dict[str, Any]) -> str:
    """Write the figures of one set of images as Markdown.

    Args:
        figures (dict): Of :func:`.measurement.measure`.

    Returns:
        str: The table.
    """
    rows = [
        '| | images/s | time | CPU time | peak memory | memory | found | '
        'AP_bbox | AP_segm |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    ours = figures[OURS]
    for name, one in figures.items():
        if 'failure' in one:
            rows.append(f'| {name} | {one["failure"]} | | | | | | | |')
            continue
        time_ratio = cpu_ratio = memory_ratio = ''
        if 'failure' not in ours:
            speeds = ours['images_per_second'] / one['images_per_second']
            time_ratio = f'{speeds:.2f} x'
            worked = median(one['cpu_seconds']) / median(ours['cpu_seconds'])
            cpu_ratio = f'{worked:.2f} x'
            memory_ratio = f'{one["peak_mib"] / ours["peak_mib"]:.2f} x'
        rows.append(
            f'| {name} | {one["images_per_second"]:.3f} | {time_ratio} | '
            f'{cpu_ratio} | '
            f'{one["peak_mib"]:,.0f} MiB | {memory_ratio} | '
            f'{one["detections"]:,} | {100 * one["bbox_mAP"]:.1f} | '
            f'{100 * one["segm_mAP"]:.1f} |'
        )
    return '\n'.join(rows)
