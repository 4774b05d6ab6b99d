"""What a check of the doctor found."""

from dataclasses import asdict, dataclass, field
from typing import Any

OK = 'ok'
WARNING = 'warning'
PROBLEM = 'problem'
STATUSES = (OK, WARNING, PROBLEM)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        check (str): What was looked at, such as ``'torch'``.
        status (str): ``OK``, ``WARNING`` (some use of the project is
            affected) or ``PROBLEM`` (it cannot work).
        summary (str): What was found, and what is wrong with it.
        mend (tuple[str, ...]): The commands that mend it, in their order.
        details (dict[str, Any]): Figures and names for the json.
    """

    check: str
    status: str
    summary: str
    mend: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as json-able values.

        Returns:
            dict[str, Any]: The attributes by name.
        """
        return {**asdict(self), 'mend': list(self.mend)}


def worst(findings: list[Finding]) -> str:
    """Give the gravest status.

    Args:
        findings (list[Finding]): Any number.

    Returns:
        str: One of ``STATUSES``; ``OK`` where there are none.
    """
    return max(
        (finding.status for finding in findings),
        key=STATUSES.index,
        default=OK,
    )
