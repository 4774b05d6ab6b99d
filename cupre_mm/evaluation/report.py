"""The report of a test run: scores, counts and errors, and their origin."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cupre_mm.utils.file_checksums import sha256_of
from cupre_mm.utils.software_versions import stack_versions

from .report_details import ReportDetails, to_json_types
from .report_tables import (
    Table,
    cap_table,
    error_table,
    field_table,
    group_tables,
    markdown_table,
)

SCHEMA_VERSION = 2
INTRODUCTION = (
    'AP and AR are given times 100, at the largest number of detections that '
    'the evaluator allows; n/a: no instance of that size, or not asked for.'
)

_COLUMNS = {
    'AP': 'mAP',
    'AP50': 'mAP_50',
    'AP75': 'mAP_75',
    'AP small': 'mAP_s',
    'AP medium': 'mAP_m',
    'AP large': 'mAP_l',
    'AR': 'AR',
}
_SIZES = ('mAP_s', 'mAP_m', 'mAP_l')
_KNOWN = ('50', '75', 's', 'm', 'l')
_COUNTS = {
    'num_images': 'images',
    'num_instances': 'instances (ground truth, not crowd)',
    'num_detections': 'detections',
    'num_images_at_cap': 'images with detections at the cap',
    'num_detections_dropped': 'detections dropped by the cap',
}


@dataclass
class APReport:
    """What a test run found, with what it needs to be found again.

    Args:
        config (str): The config file.
        checkpoint (str): The checkpoint as it was asked for.
        checkpoint_sha256 (str): Checksum of the checkpoint file.
        dataset (str): Type of the test data set.
        ann_files (list[str]): Annotation files of the evaluators.
        ann_sha256 (list[str]): Their checksums.
        metrics (dict[str, float]): Values as the evaluator gave them: AP
            and AR from 0 to 1, -1 where nothing defines them.
        counts (dict[str, int]): ``num_images``, ``num_instances``,
            ``num_detections``, ``num_images_at_cap`` and
            ``num_detections_dropped``, where the evaluator counts them.
        details (dict[str, Any]): Curves and tables behind the plots, see
            :func:`.report_details.collect_details`; empty where the
            evaluator keeps none.
        images (list[dict[str, Any]]): A row an image.
        error_kinds (dict[str, Any]): Errors by kind, with their definitions.
        notes (list[str]): What the report lacks and why, in sentences.
        versions (dict[str, str]): Versions of the software.
        schema_version (int): Version of the layout of ``report.json``.
    """

    config: str
    checkpoint: str
    checkpoint_sha256: str
    dataset: str
    ann_files: list[str]
    ann_sha256: list[str]
    metrics: dict[str, float]
    counts: dict[str, int]
    details: dict[str, Any] = field(default_factory=dict)
    images: list[dict[str, Any]] = field(default_factory=list)
    error_kinds: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=stack_versions)
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def from_metrics(
        cls,
        metrics: Mapping[str, float],
        config: str,
        checkpoint: str,
        checkpoint_file: str,
        dataset: str = '',
        ann_files: Sequence[str] = (),
        details: ReportDetails | None = None,
    ) -> 'APReport':
        """Make a report of an evaluator's results.

        Args:
            metrics (Mapping[str, float]): What ``Runner.test`` returned.
            config (str): The config file.
            checkpoint (str): The checkpoint as it was asked for.
            checkpoint_file (str): The file that was loaded.
            dataset (str): Type of the test data set. Defaults to ''.
            ann_files (Sequence[str]): Annotation files of the evaluators.
                Defaults to none.
            details (ReportDetails, optional): What plots and tables are
                drawn from. Defaults to None.

        Returns:
            APReport: The report.
        """
        details = details or ReportDetails()
        counts, scores = {}, {}
        for name, value in metrics.items():
            if name.rpartition('/')[2] in _COUNTS:
                counts[name] = int(value)
            else:
                scores[name] = float(value)
        if len({name.rpartition('/')[0] for name in counts}) <= 1:
            counts = {
                name.rpartition('/')[2]: value
                for name, value in counts.items()
            }
        return cls(
            config=str(config),
            checkpoint=str(checkpoint),
            checkpoint_sha256=sha256_of(checkpoint_file) or '',
            dataset=dataset,
            ann_files=[str(path) for path in ann_files],
            ann_sha256=[sha256_of(path) or '' for path in ann_files],
            metrics=scores,
            counts=counts,
            details=details.curves,
            images=details.images,
            error_kinds=details.error_kinds,
        )

    def ap_rows(self) -> list[list[str]]:
        """Lay out AP and AR, times 100, one row for boxes and for masks.

        Returns:
            list[list[str]]: The rows, the header first; ``n/a`` where
            nothing defines a value. The header alone without AP.
        """
        stems = [
            name.removesuffix('mAP')
            for name in self.metrics
            if name.endswith(('bbox_mAP', 'segm_mAP'))
        ]
        columns = self._columns(stems)
        rows = [['', *columns]]
        for stem in stems:
            values = [
                self.metrics.get(stem + item, -1) for item in columns.values()
            ]
            rows.append(
                [
                    _row_name(stem, len(self.ann_files)),
                    *('n/a' if v < 0 else f'{100 * v:.2f}' for v in values),
                ]
            )
        return rows

    def _columns(self, stems: list[str]) -> dict[str, str]:
        """Label and key of each column; size bins may be a user's own."""
        own = {
            f'AP {key}': f'mAP_{key}'
            for stem in stems
            for name in self.metrics
            if name.startswith(f'{stem}mAP_')
            and (key := name.removeprefix(f'{stem}mAP_')) not in _KNOWN
        }
        if not own:
            return _COLUMNS
        kept = {
            label: key
            for label, key in _COLUMNS.items()
            if key not in _SIZES
            or any(stem + key in self.metrics for stem in stems)
        }
        recall = kept.pop('AR')
        return {**kept, **own, 'AR': recall}

    def count_rows(self) -> list[list[str]]:
        """Lay out the counts.

        Returns:
            list[list[str]]: What is counted and how many.
        """
        return [
            [
                ' '.join(
                    filter(None, [prefix, _COUNTS.get(short, short)])
                ).strip(),
                f'{value:,}',
            ]
            for (prefix, _, short), value in (
                (name.rpartition('/'), value)
                for name, value in self.counts.items()
            )
        ]

    def table(self) -> str:
        """Write AP and counts as Markdown, which reads well as it is.

        Returns:
            str: The tables.
        """
        rows = self.ap_rows()
        if len(rows) == 1:
            ap = 'The evaluator gave no AP of boxes or masks.'
        else:
            ap = markdown_table(rows)
        if not self.counts:
            return ap
        counts = markdown_table([['count', 'number'], *self.count_rows()])
        return f'{ap}\n\n{counts}'

    def tables(self) -> list[Table]:
        """Lay out all that the report holds beside AP, counts and origin.

        Returns:
            list[Table]: The tables that there is something for.
        """
        tables = [
            field_table(self.metrics),
            cap_table(self.details),
            error_table(self.error_kinds),
            *group_tables(self.details),
        ]
        return [table for table in tables if table is not None]

    def origin_rows(self) -> list[list[str]]:
        """Lay out where the figures come from.

        Returns:
            list[list[str]]: What and its value, the header first.
        """
        rows = [
            ['what', 'value'],
            ['config', self.config],
            ['checkpoint', self.checkpoint],
            ['checkpoint sha256', self.checkpoint_sha256],
            ['data set', self.dataset],
        ]
        for path, digest in zip(self.ann_files, self.ann_sha256):
            rows += [['annotations', path], ['annotations sha256', digest]]
        return rows

    def version_rows(self) -> list[list[str]]:
        """Lay out the versions of the software.

        Returns:
            list[list[str]]: Name and version, the header first.
        """
        return [['software', 'version'], *map(list, self.versions.items())]

    def to_markdown(self, pictures: str = '') -> str:
        """Write the whole report as Markdown.

        Args:
            pictures (str): A part on pictures to put in, in Markdown.
                Defaults to none.

        Returns:
            str: The document.
        """
        parts = ['# Test report', INTRODUCTION, self.table(), *self.notes]
        for table in self.tables():
            parts += [f'## {table.title}', table.note]
            parts.append(markdown_table(table.rows))
        parts.append(pictures)
        parts += ['## Origin', markdown_table(self.origin_rows())]
        parts += ['## Versions', markdown_table(self.version_rows())]
        return '\n\n'.join(filter(None, parts)) + '\n'

    def to_json(self) -> str:
        """Write the whole report as JSON; AP and AR from 0 to 1.

        Returns:
            str: The document; None stands for a value that is no number.
        """
        return _indented(to_json_types(asdict(self)), levels=2) + '\n'


def _row_name(stem: str, num_evaluators: int) -> str:
    prefix, _, metric = stem.rstrip('_').rpartition('/')
    return f'{prefix} {metric}' if num_evaluators > 1 else metric


def _indented(value: Any, levels: int, indent: str = '') -> str:
    """JSON with a line for each item, but for those deeper than levels."""
    if not levels or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, sort_keys=True)
    inner = indent + '  '
    if isinstance(value, list):
        items = [_indented(part, levels - 1, inner) for part in value]
    else:
        items = [
            f'{json.dumps(key)}: {_indented(part, levels - 1, inner)}'
            for key, part in sorted(value.items())
        ]
    opening, closing = '[]' if isinstance(value, list) else '{}'
    body = f',\n{inner}'.join(items)
    return f'{opening}\n{inner}{body}\n{indent}{closing}'
