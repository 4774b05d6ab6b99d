"""The cells of a benchmark's grid, as far as they were run."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_files import parse_json

from ..saved_reports import is_number
from .grid import Arm, Grid, Size, parse_size, with_found

STATES = ('done', 'failed', 'running', 'missing')


@dataclass(frozen=True)
class Cell:
    """One fine-tuning of an arm with labels of one size and seed.

    Attributes:
        arm (str): Name of the arm.
        size (Size): Labels it got.
        seed (int): Seed of the fine-tuning and the split.
        folder (Path): Where it lies, or would.
        status (str): One of :data:`STATES`.
        record (dict): Its ``cell.json``; empty where it was not started.
        report (dict): Its ``report.json``; empty where it was not tested.
    """

    arm: str
    size: Size
    seed: int
    folder: Path
    status: str = 'missing'
    record: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Where it lies in the work dir's ``cells``."""
        return f'{self.arm}/{self.size.name}/seed{self.seed}'

    @property
    def is_peer(self) -> bool:
        """Whether another program filled it."""
        return self.record.get('kind') == 'peer'

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Scores by name without prefix; without those not defined (-1)."""
        if self.status != 'done':
            return {}
        found = dict(self.report.get('metrics') or {})
        found |= self.record.get('metrics') or {}
        return {
            name.rpartition('/')[2]: value
            for name, value in found.items()
            if is_number(value) and not (_is_share(name) and value < 0)
        }

    @property
    def error(self) -> str:
        """Why it failed; '' where it did not."""
        if self.status != 'failed':
            return ''
        return str(self.record.get('error') or 'no message')

    @property
    def test_sha256(self) -> str | None:
        """Checksum of the test part that it was scored with."""
        known = _part(self.record, 'test').get('sha256')
        hashes = self.report.get('ann_sha256') or [None]
        return known or hashes[0] or None

    @property
    def test_file(self) -> str | None:
        """The test part that it was scored with."""
        files = self.report.get('ann_files') or [None]
        return files[0] or _part(self.record, 'test').get('file')

    @property
    def split_sha256(self) -> str | None:
        """Checksum of the annotations that it was trained with."""
        return _part(self.record, 'split').get('sha256')


def read_cells(
    work_dir: Path, grid: Grid
) -> tuple[Grid, list[Cell], list[Cell]]:
    """Read the cells of a work dir, those of peers too.

    Args:
        work_dir (Path): Work dir of ``tools/benchmark.py``.
        grid (Grid): Its grid.

    Returns:
        tuple[Grid, list[Cell], list[Cell]]: The grid with what there are
        cells of; the cells by arm, size and seed, with those that are
        missing; and those that are neither of an arm of the grid nor of a
        peer, such as an arm that was taken out of the config.
    """
    read = []
    for path in sorted((work_dir / 'cells').glob('*/*/seed*/cell.json')):
        arm, size, seed = path.parts[-4:-1]
        try:
            place = arm, parse_size(size), int(seed.removeprefix('seed'))
        except ValueError:
            continue
        read.append(_read(path, *place))
    # A peer's cell that cannot be read does not say that it is one.
    peers = {cell.arm for cell in read if cell.is_peer}
    known = {arm.name for arm in grid.arms} | peers
    unknown = [cell for cell in read if cell.arm not in known]
    found = {
        (cell.arm, cell.size.name, cell.seed): cell
        for cell in read
        if cell.arm in known
    }
    planned = {
        (arm.name, size.name, seed)
        for arm in grid.arms
        if not arm.is_peer
        for size in grid.sizes
        for seed in grid.seeds.get(size.name, ())
    }
    whole = with_found(
        grid,
        # Titles come from cells that could be read.
        (
            (_peer(cell), cell.size, cell.seed)
            for cell in sorted(found.values(), key=lambda c: not c.is_peer)
        ),
    )
    cells = []
    for arm in whole.arms:
        for size in whole.sizes:
            for seed in whole.seeds.get(size.name, ()):
                key = arm.name, size.name, seed
                if key in found:
                    cells.append(found[key])
                elif key in planned:
                    folder = work_dir / 'cells' / arm.name / size.name
                    folder /= f'seed{seed}'
                    cells.append(Cell(arm.name, size, seed, folder))
    return whole, cells, unknown


def places_of_test(
    cell: Cell, truth: Path | None = None, folder: str = ''
) -> list[Path]:
    """List where the annotations of the test part may lie.

    Args:
        cell (Cell): A cell that was tested.
        truth (Path, optional): The file, where it is known. Defaults to
            None.
        folder (str): Folder of the data set, for a name that is relative.
            Defaults to ''.

    Returns:
        list[Path]: Files, there or not; none where the cell does not tell.
    """
    if truth is not None:
        return [truth]
    name = cell.test_file
    if name is None:
        return []
    root = Path(os.environ.get('CUPRE_DATA') or 'data')
    return [Path(name), root / name, root / folder / name]


def read_failed_stages(work_dir: Path) -> dict[str, str]:
    """Find the pre-training that failed, whose cells stay missing.

    Args:
        work_dir (Path): Work dir of ``tools/benchmark.py``.

    Returns:
        dict[str, str]: Messages by folder in the work dir.
    """
    found = {}
    for path in sorted((work_dir / 'pretraining').glob('**/stage.json')):
        name = path.parent.relative_to(work_dir).as_posix()
        try:
            record = _read_object(path)
        except (OSError, BadDataError) as error:
            found[name] = str(error)
            continue
        if record.get('status') == 'failed':
            found[name] = str(record.get('error') or 'no message')
    return found


def count_states(cells: Sequence[Cell]) -> dict[str, int]:
    """Count the cells of each state.

    Args:
        cells (Sequence[Cell]): The cells.

    Returns:
        dict[str, int]: Number by state, and ``'all'``.
    """
    counts = dict.fromkeys(STATES, 0)
    for cell in cells:
        counts[cell.status] += 1
    return {**counts, 'all': len(cells)}


def _read(path: Path, arm: str, size: Size, seed: int) -> Cell:
    """Read a cell; one that cannot be read counts as failed."""
    place = arm, size, seed, path.parent
    try:
        record = _read_object(path)
        status = record.get('status')
        if status not in STATES:
            raise BadDataError(f'{path}: {status!r} is no status of a cell')
        report = {}
        if status == 'done' and (path.parent / 'report.json').is_file():
            report = _read_object(path.parent / 'report.json')
    except (OSError, BadDataError) as error:
        return Cell(*place, 'failed', {'error': str(error)})
    return Cell(*place, status, record, report)


def _read_object(path: Path) -> dict[str, Any]:
    content = parse_json(path.read_bytes(), path)
    parts = ('metrics', 'test', 'split', 'versions', 'details', 'own_metrics')
    if not isinstance(content, dict) or any(
        not isinstance(content.get(part) or {}, dict) for part in parts
    ):
        raise BadDataError(f'{path} holds no figures of a cell')
    own = content.get('own_metrics') or {}
    if any(not isinstance(scores, dict) for scores in own.values()):
        raise BadDataError(f'{path}: own_metrics holds no scores by peer')
    return content


def _peer(cell: Cell) -> Arm:
    title = cell.record.get('title') or cell.arm
    return Arm(cell.arm, title, cell.record.get('setting'), is_peer=True)


def _part(record: dict[str, Any], name: str) -> dict[str, Any]:
    return record.get(name) or {}


def _is_share(name: str) -> bool:
    """Whether a score cannot be below 0; errors of counts can."""
    return not name.endswith(('count_error', 'score_thr'))
