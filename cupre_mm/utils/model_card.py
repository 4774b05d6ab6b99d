"""The page that goes with a model: what it is, and may be used for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import BadDataError, MissingDataError

CARD_NAME = 'model_card.md'
USE_OF_A_DETECTOR = (
    'Meant for finding cells or nuclei in microscope images that look like '
    'the training images: the same staining or contrast, and cells of a '
    'similar size in pixels. For research; not for diagnosis.'
)


@dataclass(frozen=True)
class DataLicence:
    """Under which terms a data set may be used.

    Attributes:
        name (str): The data set.
        licence (str): The terms.
        weights (str): What follows for weights that were trained on it.
    """

    name: str
    licence: str
    weights: str


# By what the data sets' paths in configs have in them.
KNOWN_DATA = {
    'livecell': DataLicence(
        'LIVECell',
        'CC BY-NC 4.0',
        'NON-COMMERCIAL use only: so are weights trained on it',
    ),
    'bbbc038': DataLicence(
        'BBBC038 (Data Science Bowl 2018)', 'CC0 1.0', 'no condition'
    ),
    'coco': DataLicence(
        'COCO',
        'annotations CC BY 4.0; each image has the licence of its author',
        'name COCO as a source',
    ),
    'demo': DataLicence(
        'generated demo data', 'part of this project', 'no condition'
    ),
}


@dataclass(frozen=True)
class CardFacts:
    """What a card tells.

    Attributes:
        title (str): Name of the model.
        kind (str): Class of the detector.
        config (str): Config it was trained with.
        checkpoint (str): The weights' file.
        checkpoint_sha256 (str): Its sha256.
        files (dict[str, str]): sha256 of each file that goes with the card.
        classes (tuple[str, ...]): What it finds.
        data (tuple[str, ...]): Paths and names of the training data.
        versions (dict[str, str]): Of the libraries.
        how_to_load (str): Python code.
        notes (tuple[str, ...]): Further facts, a sentence each.
        use (str): What it is meant for. Defaults to
            :data:`USE_OF_A_DETECTOR`.
        report (dict, optional): A report.json of the evaluation.
    """

    title: str
    kind: str
    config: str
    checkpoint: str
    checkpoint_sha256: str
    files: Mapping[str, str]
    classes: Sequence[str]
    data: Sequence[str]
    versions: Mapping[str, str]
    how_to_load: str
    notes: Sequence[str] = ()
    use: str = USE_OF_A_DETECTOR
    report: Mapping[str, Any] | None = field(default=None)


def write_card(facts: CardFacts) -> str:
    """Write a model card as Markdown.

    Args:
        facts (CardFacts): What to tell.

    Returns:
        str: The card.
    """
    parts = [
        f'# {facts.title}',
        f'{facts.kind} for instance segmentation; classes: '
        f'{", ".join(facts.classes) or "not told by the checkpoint"}.',
        '## Use',
        facts.use,
        '## Limits',
        'On images of other kinds, or of cells much larger or smaller, '
        'expect missed and false cells. Look at results before counting '
        'them, and measure the accuracy on a few labelled images of your '
        'own. The scores are not calibrated probabilities.',
        '## Load',
        f'```python\n{facts.how_to_load.strip()}\n```',
        '## Data and licences',
        _licences(facts.data),
        '## Accuracy',
        _metrics(facts.report, facts.checkpoint_sha256),
        '## Origin',
        _lines(
            {
                'config': facts.config,
                'checkpoint': facts.checkpoint,
                'sha256 of the checkpoint': facts.checkpoint_sha256,
                **{f'sha256 of {k}': v for k, v in facts.files.items()},
                **facts.versions,
            }
        ),
    ]
    if facts.notes:
        parts[-1] += '\n\n' + '\n'.join(facts.notes)
    return '\n\n'.join(parts) + '\n'


def find_licences(
    data: Sequence[str],
) -> tuple[list[DataLicence], list[str]]:
    """Tell known data sets from others.

    Args:
        data (Sequence[str]): Paths or names.

    Returns:
        tuple[list[DataLicence], list[str]]: Terms of the known ones, each
        once, and what is not known.
    """
    known: dict[str, DataLicence] = {}
    unknown = []
    for one in data:
        keys = [key for key in KNOWN_DATA if key in one.lower()]
        for key in keys:
            known[key] = KNOWN_DATA[key]
        if not keys and one not in unknown:
            unknown.append(one)
    return list(known.values()), unknown


def read_report(path: Path) -> dict[str, Any]:
    """Read the report.json of an evaluation.

    Args:
        path (Path): The file.

    Returns:
        dict[str, Any]: The report.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it is no report.
    """
    try:
        report = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise MissingDataError(
            f'{path} does not exist; tools/test.py --report writes one'
        ) from error
    except (ValueError, OSError) as error:
        raise BadDataError(f'{path} cannot be read: {error}') from error
    if not isinstance(report, dict) or not isinstance(
        report.get('metrics'), dict
    ):
        raise BadDataError(
            f'{path} is not the report.json of an evaluation: it has no '
            'metrics'
        )
    return report


def sha256_of(content: bytes) -> str:
    """Compute a checksum.

    Args:
        content (bytes): The content.

    Returns:
        str: 64 hexadecimal digits.
    """
    return hashlib.sha256(content).hexdigest()


def _licences(data: Sequence[str]) -> str:
    known, unknown = find_licences(data)
    rows = [f'| {one.name} | {one.licence} | {one.weights} |' for one in known]
    rows += [
        f'| `{one}` | not known to this tool | ask its owner |'
        for one in unknown
    ]
    if not rows:
        return (
            'Neither the config nor the command line tells what the model '
            'was trained on: fill this in before you pass it on.'
        )
    return '\n'.join(
        [
            '| trained on | licence of the data | for the weights |',
            '|---|---|---|',
            *rows,
            '',
            'Data of pre-training counts too: add what is missing here.',
        ]
    )


def _metrics(report: Mapping[str, Any] | None, sha256: str) -> str:
    if report is None:
        return 'Not measured for this card: no report.json was given.'
    values = {
        name.removeprefix('coco/'): value
        for name, value in report['metrics'].items()
        if isinstance(value, int | float) and value >= 0
    }
    lines = ['| metric | value |', '|---|---|']
    lines += [f'| {name} | {value:.4f} |' for name, value in values.items()]
    files = report.get('ann_files') or []
    lines += ['', f'Measured on {", ".join(map(str, files)) or "?"}.']
    tested = report.get('checkpoint_sha256')
    if tested and tested != sha256:
        lines.append(
            '**The report is of another checkpoint** (sha256 '
            f'{tested[:12]}...).'
        )
    return '\n'.join(lines)


def _lines(facts: Mapping[str, str]) -> str:
    return '\n'.join(f'- {name}: `{value}`' for name, value in facts.items())
