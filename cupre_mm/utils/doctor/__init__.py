"""What is wrong with an installation, and the commands that mend it.

Only the standard library is imported here, as anything else may be broken.
"""

from cupre_mm.utils.doctor.examination import CHECKS, examine
from cupre_mm.utils.doctor.findings import OK, PROBLEM, WARNING, Finding, worst
from cupre_mm.utils.doctor.reporting import (
    to_bug_report,
    to_json,
    to_text,
    write_report,
)
from cupre_mm.utils.doctor.state import State

__all__ = [
    'CHECKS',
    'OK',
    'PROBLEM',
    'WARNING',
    'Finding',
    'State',
    'examine',
    'to_bug_report',
    'to_json',
    'to_text',
    'worst',
    'write_report',
]
