"""The report of a test run: average precision and counts, and their origin."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cupre_mm

SCHEMA_VERSION = 1

_COLUMNS = {
    'AP': 'mAP',
    'AP50': 'mAP_50',
    'AP75': 'mAP_75',
    'AP small': 'mAP_s',
    'AP medium': 'mAP_m',
    'AP large': 'mAP_l',
    'AR': 'AR',
}
_COUNTS = {
    'num_images': 'images',
    'num_instances': 'instances (ground truth, not crowd)',
    'num_detections': 'detections',
    'num_images_at_cap': 'images with detections at the cap',
    'num_detections_dropped': 'detections dropped by the cap',
}
# An OpenMMLab library is installed under its own or the maintained name.
_STACK = (
    ('torch',),
    ('torchvision',),
    ('onedl-mmengine', 'mmengine'),
    ('onedl-mmcv', 'mmcv'),
    ('onedl-mmdetection', 'mmdet'),
    ('onedl-mmpretrain', 'mmpretrain'),
    ('pycocotools',),
    ('faster-coco-eval',),
    ('numpy',),
)


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
    versions: dict[str, str] = field(default_factory=lambda: stack_versions())
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

        Returns:
            APReport: The report.
        """
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
            checkpoint_sha256=sha256_of(checkpoint_file),
            dataset=dataset,
            ann_files=[str(path) for path in ann_files],
            ann_sha256=[sha256_of(path) for path in ann_files],
            metrics=scores,
            counts=counts,
        )

    def ap_rows(self) -> list[list[str]]:
        """Lay out AP and AR, times 100, one row for boxes and for masks.

        Returns:
            list[list[str]]: The rows, the header first; ``n/a`` where
            nothing defines a value. The header alone without AP.
        """
        rows = [['', *_COLUMNS]]
        for name in self.metrics:
            if not name.endswith(('bbox_mAP', 'segm_mAP')):
                continue
            stem = name.removesuffix('mAP')
            values = [
                self.metrics.get(stem + item, -1) for item in _COLUMNS.values()
            ]
            rows.append(
                [
                    _row_name(stem, len(self.ann_files)),
                    *('n/a' if v < 0 else f'{100 * v:.2f}' for v in values),
                ]
            )
        return rows

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
            ap = _markdown(rows)
        if not self.counts:
            return ap
        return (
            f'{ap}\n\n{_markdown([["count", "number"], *self.count_rows()])}'
        )

    def to_markdown(self) -> str:
        """Write the whole report as Markdown.

        Returns:
            str: The document.
        """
        origin = [
            ['config', self.config],
            ['checkpoint', self.checkpoint],
            ['checkpoint sha256', self.checkpoint_sha256],
            ['data set', self.dataset],
        ]
        for path, digest in zip(self.ann_files, self.ann_sha256):
            origin += [['annotations', path], ['annotations sha256', digest]]
        versions = [['software', 'version'], *map(list, self.versions.items())]
        return (
            '# Test report\n\n'
            'AP and AR are given times 100, at the largest number of '
            'detections that the evaluator allows; n/a: no instance of that '
            'size, or not asked for.\n\n'
            f'{self.table()}\n\n'
            f'## Origin\n\n{_markdown([["what", "value"], *origin])}\n\n'
            f'## Versions\n\n{_markdown(versions)}\n'
        )

    def to_json(self) -> str:
        """Write the whole report as JSON; AP and AR from 0 to 1.

        Returns:
            str: The document.
        """
        return json.dumps(asdict(self), indent=2, sort_keys=True) + '\n'

    def write(self, folder: str | Path) -> list[Path]:
        """Write ``report.json`` and ``report.md``.

        Args:
            folder (str or Path): Where to; made if it does not exist.

        Returns:
            list[Path]: The files.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, text in (
            ('report.json', self.to_json()),
            ('report.md', self.to_markdown()),
        ):
            path = folder / name
            path.write_text(text, encoding='utf-8')
            written.append(path)
        return written


def stack_versions() -> dict[str, str]:
    """Collect the versions that a score may depend on.

    Returns:
        dict[str, str]: Version by name; ``'not installed'`` where absent.
    """
    versions = {
        'python': platform.python_version(),
        'cupre_mm': cupre_mm.__version__,
    }
    for names in _STACK:
        for name in names:
            try:
                versions[name] = version(name)
            except PackageNotFoundError:
                continue
            break
        else:
            versions[names[0]] = 'not installed'
    return versions


def sha256_of(path: str | Path) -> str:
    """Compute the SHA-256 checksum of a file.

    Args:
        path (str or Path): The file.

    Returns:
        str: The checksum in hexadecimal digits, or '' if there is no such
        file on this machine.
    """
    path = Path(path)
    if not path.is_file():
        return ''
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _row_name(stem: str, num_evaluators: int) -> str:
    prefix, _, metric = stem.rstrip('_').rpartition('/')
    return f'{prefix} {metric}' if num_evaluators > 1 else metric


def _markdown(rows: list[list[str]]) -> str:
    """Draw a Markdown table whose columns line up in plain text too."""
    rows = [[cell.replace('|', r'\|') for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    lines = [
        '| ' + ' | '.join(c.ljust(w) for c, w in zip(row, widths)) + ' |'
        for row in rows
    ]
    rule = '|' + '|'.join('-' * (width + 2) for width in widths) + '|'
    return '\n'.join([lines[0], rule, *lines[1:]])
