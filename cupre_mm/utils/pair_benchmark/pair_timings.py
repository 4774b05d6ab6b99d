"""What the times of AMT2 pairs and stock steps say."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cupre_mm.utils.pair_benchmark.random_batches import BatchSizes

TARGET = 1.05
_TITLES = {
    'pair': 'AMT2 pair',
    'moco': 'stock MoCo step',
    'det': 'stock detection step',
    'moco + det': 'both stock steps',
}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Describe repeated measurements.

    Args:
        values (Sequence[float]): The measurements.

    Returns:
        dict[str, float]: 'median', quartiles 'q25' and 'q75', 'min', 'max'.
    """
    places = dict(median=50, q25=25, q75=75, min=0, max=100)
    return {
        name: float(np.percentile(values, place))
        for name, place in places.items()
    }


def summarize(
    measured: Mapping[str, Any], sizes: BatchSizes, tolerance: float
) -> dict[str, Any]:
    """Compare the pair with the sum of both stock steps.

    Args:
        measured (Mapping[str, Any]): 'seconds', a list by side ('pair',
            'moco', 'det'), in the order of the repeats; 'loss_difference',
            the largest relative one between the sides; 'peak_memory' in
            bytes by side, or None; 'queue', its length.
        sizes (BatchSizes): Sizes of the batches.
        tolerance (float): Difference of losses up to which both sides did
            the same work.

    Returns:
        dict[str, Any]: The figures: 'seconds' and 'ratio' as
        :func:`spread` gives them, 'target', 'met', 'images_per_second',
        'same_work', what was measured, and 'samples', all single values.
    """
    seconds = dict(measured['seconds'])
    seconds['moco + det'] = [
        moco + det for moco, det in zip(seconds['moco'], seconds['det'])
    ]
    ratios = [
        pair / stock
        for pair, stock in zip(seconds['pair'], seconds['moco + det'])
    ]
    ratio = spread(ratios)
    pair_time = float(np.median(seconds['pair']))
    return dict(
        queue=measured['queue'],
        seconds={name: spread(values) for name, values in seconds.items()},
        ratio=ratio,
        target=TARGET,
        met=ratio['median'] <= TARGET,
        images_per_second=dict(
            moco=sizes.views / pair_time, det=sizes.images / pair_time
        ),
        peak_memory=measured['peak_memory'],
        loss_difference=measured['loss_difference'],
        same_work=measured['loss_difference'] <= tolerance,
        samples=dict(seconds=seconds, ratio=ratios),
    )


def processor() -> str:
    """Name the processor.

    Returns:
        str: Its model and the number of cores this process may use.
    """
    model = platform.machine()
    info = Path('/proc/cpuinfo')
    for line in info.read_text().splitlines() if info.is_file() else ():
        if line.startswith('model name'):
            model = line.partition(':')[2].strip()
            break
    return f'{model}, {len(os.sched_getaffinity(0))} cores'


def table(summary: Mapping[str, Any]) -> str:
    """Draw the figures of a benchmark.

    Args:
        summary (Mapping[str, Any]): Result of :func:`summarize`, with
            'machine', 'threads', 'amp', 'repeats' and 'sizes'.

    Returns:
        str: A Markdown table and the lines that belong to it.
    """
    rows = [(_TITLES[n], row) for n, row in summary['seconds'].items()]
    rows.append(('ratio pair / both', summary['ratio']))
    lines = [
        f'| {"time in s":<20} | median |   25 % |   75 % |    min |    max |',
        '|' + '-' * 22 + ('|' + '-' * 8) * 5 + '|',
    ]
    lines += [
        f'| {title:<20} | '
        + ' | '.join(f'{value:6.3f}' for value in row.values())
        + ' |'
        for title, row in rows
    ]
    sizes, speed = summary['sizes'], summary['images_per_second']
    height, width = sizes['image_size']
    lines += [
        '',
        f'{summary["machine"]}, {summary["threads"]} threads, '
        f'{"AMP" if summary["amp"] else "float32"}, '
        f'{summary["repeats"]} repeats.',
        f'{sizes["images"]} images of {height} x {width} px; '
        f'{sizes["views"]} images in two views of {sizes["view_size"]} px; '
        f'queue of {summary["queue"]}.',
        f'The pair trains {speed["moco"]:.1f} unlabelled and '
        f'{speed["det"]:.1f} labelled images a second.',
        f'The losses of both sides differ by {summary["loss_difference"]:.1e}'
        f' at most: the work is {"" if summary["same_work"] else "NOT "}'
        'the same.',
    ]
    if summary['peak_memory']:
        peaks = ', '.join(
            f'{_TITLES[name]} {size / 2**30:.2f}'
            for name, size in summary['peak_memory'].items()
        )
        lines.append(f'Peak GPU memory in GiB: {peaks}.')
    lines.append(
        f'Ratio {summary["ratio"]["median"]:.3f}; target at most '
        f'{summary["target"]}: {"" if summary["met"] else "NOT "}met.'
    )
    return '\n'.join(lines)
