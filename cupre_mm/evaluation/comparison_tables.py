"""Writes a comparison of models as Markdown, CSV and JSON."""

import csv
import io
from dataclasses import asdict
from pathlib import Path

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.coco_json import canonical_json

from .report_comparison import (
    MEASURES,
    Comparison,
    PairedResult,
    score_of,
)
from .report_tables import markdown_table

SCHEMA_VERSION = 1
# Below this, the bootstrap's intervals are known to be too narrow.
_FEW_IMAGES = 20


def write_tables(folder: Path, comparison: Comparison) -> list[Path]:
    """Write a comparison into a folder.

    Args:
        folder (Path): Where to; made if it does not exist.
        comparison (Comparison): What was found.

    Returns:
        list[Path]: ``comparison.md``, ``.csv`` and ``.json``.
    """
    contents = {
        'comparison.md': f'# Comparison\n\n{to_markdown(comparison)}\n',
        'comparison.csv': to_csv(comparison),
        'comparison.json': to_json(comparison),
    }
    for name, content in contents.items():
        data = content if isinstance(content, bytes) else content.encode()
        write_atomically(folder / name, data)
    return [folder / name for name in contents]


def to_markdown(comparison: Comparison) -> str:
    """Lay out scores, paired differences and how to read them.

    Args:
        comparison (Comparison): What was found.

    Returns:
        str: Tables that read well as they are, and sentences.
    """
    parts = [
        'Scores of the whole test set, times 100 (count errors in cells); '
        f'in brackets the difference to {comparison.baseline.name}.',
        _score_table(comparison),
    ]
    if comparison.paired:
        parts += [
            f'Differences to {comparison.baseline.name} on the same images: '
            'mean over the images with its '
            f'{100 * comparison.bootstrap.confidence:g} % interval.',
            _paired_table(comparison),
        ]
    parts.append('\n'.join(f'- {line}' for line in caveats(comparison)))
    return '\n\n'.join(parts)


def caveats(comparison: Comparison) -> list[str]:
    """Say what the figures cover and what they do not.

    Args:
        comparison (Comparison): What was found.

    Returns:
        list[str]: Sentences.
    """
    lines = []
    if comparison.paired:
        bootstrap = comparison.bootstrap
        lines += [
            'The intervals are of a paired bootstrap over images '
            f'({bootstrap.method}, {bootstrap.num_resamples:,} resamples, '
            f'seed {bootstrap.seed}). They cover the choice of the test '
            'images, not that of the training seed: another training of the '
            'same config may differ by more. Compare several seeds of each '
            'before saying that one method is better.',
            'They take the images as independent. Crops of one field or '
            'frames of one series are not: the intervals are too narrow '
            'then.',
            'Figures of single images count the detections from one score '
            'on (0.5 unless set otherwise), AP counts all of them: a model '
            'with lower scores throughout loses here and not in AP.',
            'better, worse: share of the images; the rest is equal. p: '
            "Wilcoxon's signed-rank test, two-sided, not corrected for the "
            f'{len(comparison.paired)} comparisons of this table.',
        ]
        least = min(one.estimate.num_images for one in comparison.paired)
        if least < _FEW_IMAGES:
            lines.append(f'With {least} images, the intervals are too narrow.')
        if any(
            one.estimate.method != bootstrap.method
            for one in comparison.paired
        ):
            lines.append(
                f'{bootstrap.method} is not defined for some of the '
                'differences; the interval is the percentile one there.'
            )
    if comparison.columns:
        lines.append(
            'AP and AR rank the detections of all images together: they are '
            'no mean over images, and no interval is given for them.'
        )
    return lines + comparison.notes


def to_csv(comparison: Comparison) -> str:
    """Write one line for each model and figure.

    Args:
        comparison (Comparison): What was found.

    Returns:
        str: Values as in the reports, not times 100; empty where nothing
        defines one.
    """
    out = io.StringIO()
    estimate = ('low', 'high', 'better', 'worse', 'p_value', 'num_images')
    columns = ['model', 'scope', 'figure', 'value', 'difference', *estimate]
    table = csv.DictWriter(out, columns, lineterminator='\n')
    table.writeheader()
    for report in comparison.reports:
        for metric in dict.fromkeys(report.metrics):
            table.writerow(
                {
                    'model': report.name,
                    'scope': 'test set',
                    'figure': metric,
                    'value': score_of(report, metric),
                    'difference': comparison.difference(report, metric),
                }
            )
    for one in comparison.paired:
        values = asdict(one.estimate)
        table.writerow(
            {
                'model': one.name,
                'scope': 'mean over images',
                'figure': one.measure,
                'difference': values['mean'],
                **{name: values[name] for name in estimate},
            }
        )
    return out.getvalue()


def to_json(comparison: Comparison) -> bytes:
    """Write all that was found, with the difference of every image.

    Args:
        comparison (Comparison): What was found.

    Returns:
        bytes: The document; None where nothing defines a value.
    """
    models = [
        {
            'name': report.name,
            'report': str(report.path),
            'config': report.content.get('config'),
            'checkpoint': report.content.get('checkpoint'),
            'checkpoint_sha256': report.content.get('checkpoint_sha256'),
            'scores': {
                metric: score_of(report, metric) for metric in report.metrics
            },
            'differences': {
                metric: comparison.difference(report, metric)
                for metric in report.metrics
            },
        }
        for report in comparison.reports
    ]
    paired = [
        {
            'name': one.name,
            'measure': one.measure,
            'num_undefined': one.num_undefined,
            'differences': one.differences,
            **asdict(one.estimate),
        }
        for one in comparison.paired
    ]
    content = {
        'schema_version': SCHEMA_VERSION,
        'baseline': comparison.baseline.name,
        'bootstrap': asdict(comparison.bootstrap),
        'models': models,
        'paired': paired,
        'notes': caveats(comparison),
    }
    return canonical_json(content, indent=2)


def _score_table(comparison: Comparison) -> str:
    if not comparison.columns:
        return 'The reports hold no AP, AR or cell scores.'
    names = [report.name for report in comparison.reports]
    rows = [['score', names[0], *names[1:]]]
    for label, metric in comparison.columns.items():
        cells = []
        for report in comparison.reports:
            scale = 1 if 'count error' in label else 100
            value = score_of(report, metric)
            cell = 'n/a' if value is None else f'{scale * value:.2f}'
            change = comparison.difference(report, metric)
            if report is not comparison.baseline and change is not None:
                cell += f' ({scale * change:+.2f})'
            cells.append(cell)
        rows.append([label, *cells])
    return markdown_table(rows)


def _paired_table(comparison: Comparison) -> str:
    rows = [
        ['measure', 'model', 'mean difference', 'interval', 'better']
        + ['worse', 'p', 'images']
    ]
    for one in comparison.paired:
        measure = MEASURES[one.measure]
        label = measure.label
        if not measure.higher_is_better:
            label += ' (lower is better)'
        rows.append([label, one.name, *_paired_cells(one)])
    return markdown_table(rows)


def _paired_cells(one: PairedResult) -> list[str]:
    found = one.estimate
    images = f'{found.num_images}'
    if one.num_undefined:
        images += f' ({one.num_undefined} undefined)'
    if found.mean is None:
        return [*['n/a'] * 5, images]
    scale, digits = (1, 2) if MEASURES[one.measure].is_error else (100, 2)
    interval = 'n/a'
    if found.low is not None:
        low, high = scale * found.low, scale * found.high
        interval = f'{low:+.{digits}f} to {high:+.{digits}f}'
    return [
        f'{scale * found.mean:+.{digits}f}',
        interval,
        f'{100 * found.better:.0f} %',
        f'{100 * found.worse:.0f} %',
        f'{found.p_value:.2g}',
        images,
    ]
