"""What the checks of the doctor look at."""

from dataclasses import dataclass, field
from pathlib import Path

from cupre_mm.utils.doctor.probing import Outcome

# This file is <root>/cupre_mm/utils/doctor/state.py; in a wheel the root is
# site-packages.
PACKAGE = Path(__file__).resolve().parents[2]
ROOT = PACKAGE.parent


@dataclass(frozen=True)
class State:
    """The machine and the user's folders.

    Attributes:
        data_root (Path): Root of all data.
        work_dir (Path): Where runs write.
        folder (Path): The current folder.
        min_free_gb (float): Free space in 10^9 bytes that ``work_dir``
            must have.
        outcomes (dict[str, Outcome]): What the probe's steps did, by name.
    """

    data_root: Path
    work_dir: Path
    folder: Path
    min_free_gb: float
    outcomes: dict[str, Outcome] = field(default_factory=dict)


def is_checkout() -> bool:
    """Tell whether this is a checkout rather than an installed wheel.

    Returns:
        bool: Whether the files that only a checkout has are there.
    """
    return (ROOT / 'pyproject.toml').is_file()
