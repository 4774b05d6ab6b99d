"""The doctor's findings as text, as json and for a bug report."""

import os
from pathlib import Path
from typing import Any

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.doctor.findings import (
    OK,
    PROBLEM,
    STATUSES,
    Finding,
    worst,
)

FORMAT = 1
VARIABLES = (
    'CUDA_VISIBLE_DEVICES',
    'CUPRE_DATA',
    'CUPRE_SPLITS',
    'OMP_NUM_THREADS',
    'PYTHONPATH',
)
# Checks of the user's data say nothing to whoever reads a bug report.
REPORTED = (
    'python',
    'cupre_mm',
    'torch',
    'torchvision',
    'gpu',
    'openmmlab distributions',
    'numpy',
    'opencv',
    'setuptools',
    'mim',
)


def to_text(findings: list[Finding]) -> str:
    """Write the findings for a person, with what mends each.

    Args:
        findings (list[Finding]): What was found.

    Returns:
        str: Lines of text.
    """
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(
            f'{finding.status:<7}  {finding.check:<{width}}  '
            f'{_short(finding.summary)}'
        )
        lines += [f'{"":9}mend: {command}' for command in finding.mend]
    lines += ['', _verdict(findings)]
    return '\n'.join(lines)


def to_bug_report(findings: list[Finding]) -> str:
    """Write what a bug report needs, with the home folder as ``~``.

    Args:
        findings (list[Finding]): What was found.

    Returns:
        str: Markdown.
    """
    lines = [
        f'{finding.check}: '
        + ('' if finding.status == OK else f'{finding.status.upper()}: ')
        + _short(finding.summary)
        for finding in findings
        if finding.check in REPORTED or finding.status == PROBLEM
    ]
    lines += [
        f'{name}={os.environ[name]}'
        for name in VARIABLES
        if name in os.environ
    ]
    text = '\n'.join(['```text', *lines, '```'])
    home = str(Path.home())
    return text if len(home) < 2 else text.replace(home, '~')


def to_json(findings: list[Finding]) -> dict[str, Any]:
    """Give the findings as json-able values.

    Args:
        findings (list[Finding]): What was found.

    Returns:
        dict[str, Any]: ``format`` (1), ``status`` (the worst), ``counts``
        by status, ``findings`` and ``bug_report``.
    """
    return {
        'format': FORMAT,
        'status': worst(findings),
        'counts': _counts(findings),
        'findings': [finding.to_dict() for finding in findings],
        'bug_report': to_bug_report(findings),
    }


def write_report(path: Path, report: str) -> None:
    """Write the json.

    Args:
        path (Path): The file.
        report (str): Its text.
    """
    write_atomically(path, report.encode() + b'\n')


def _counts(findings: list[Finding]) -> dict[str, int]:
    return {
        status: sum(finding.status == status for finding in findings)
        for status in STATUSES
    }


def _verdict(findings: list[Finding]) -> str:
    counts = _counts(findings)
    return ', '.join(
        f'{number} {status}' + ('s' if status != OK and number != 1 else '')
        for status, number in counts.items()
    )


def _short(text: str) -> str:
    """Bring an error of many lines onto one."""
    return ' '.join(text.split())
