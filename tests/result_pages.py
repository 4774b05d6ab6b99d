"""Tables of a results.md, for tests."""

from pathlib import Path

from cupre_mm.evaluation.benchmark_results.results import collect
from cupre_mm.evaluation.benchmark_results.results_files import to_markdown


def rows_of(page: str, start: str) -> list[list[str]]:
    """Cells of the tables' lines whose first cell is this."""
    lines = [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in page.splitlines()
        if line.startswith('| ')
    ]
    return [cells for cells in lines if cells[0] == start]


def page_of(folder: Path) -> str:
    """The page of a work dir, without intervals."""
    return to_markdown(collect(folder, bootstrap=None))
