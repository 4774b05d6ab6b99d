"""AP of resampled test images, of the cells of a benchmark."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from faster_coco_eval import COCO
from tqdm import tqdm

from cupre_mm.utils.errors import UserError
from cupre_mm.utils.file_checksums import sha256_of

from ..coco_annotations import load_annotations
from ..metric_settings import resolve_settings
from ..paired_bootstrap import Bootstrap
from .ap_matches import matches_of_run
from .cells import Cell, places_of_test
from .gains import DEFAULT, resample_ap
from .score_summary import METRICS
from .weighted_ap import APMatches, weighted_ap

# AP from the kept predictions and from the report, which float32 scores of
# equal detections may at most shift this far.
_TOLERANCE = 1e-6
# Seconds before a bar of progress shows.
_PATIENCE = 5.0


class CellResamples:
    """Resamples the test images of cells, each cell once.

    All cells of one test set get the same images in the same resample. What
    cannot be resampled is told in :attr:`notes`.

    Args:
        truth (Path, optional): Annotation file of the test part. Defaults
            to None: the one that each cell names.
        bootstrap (Bootstrap): Number and seed of the draws. Defaults to
            2,000 resamples.
        folder (str): Folder of the data set, for file names that are
            relative. Defaults to ''.
    """

    def __init__(
        self,
        truth: Path | None = None,
        bootstrap: Bootstrap = DEFAULT,
        folder: str = '',
    ) -> None:
        self._reasons: dict[str, list[str]] = {}
        self._truth = truth
        self._bootstrap = bootstrap
        self._folder = folder
        self._found: dict[str, dict[str, np.ndarray]] = {}
        self._truths: dict[Path, tuple[COCO | None, str]] = {}

    @property
    def notes(self) -> list[str]:
        """Sentences that name the cells that could not be resampled."""
        return [
            f'No interval with {", ".join(cells)}: {why}.'
            for why, cells in self._reasons.items()
        ]

    def prepare(self, cells: Sequence[Cell]) -> None:
        """Resample all cells that have an AP, with a bar of progress.

        Args:
            cells (Sequence[Cell]): The cells.
        """
        scored = [
            cell
            for cell in cells
            if any(f'{metric}_mAP' in cell.metrics for metric in METRICS)
        ]
        for cell in tqdm(
            scored,
            desc='resampling',
            unit='cell',
            delay=_PATIENCE,
            leave=False,
        ):
            self(cell, METRICS[0])

    def __call__(self, cell: Cell, metric: str) -> np.ndarray | None:
        """Get the AP of each resample.

        Args:
            cell (Cell): The cell.
            metric (str): ``'bbox'`` or ``'segm'``.

        Returns:
            np.ndarray, optional: (R,); None where it is not known.
        """
        if cell.name not in self._found:
            try:
                found = self._resample(cell)
            except UserError as error:
                self._note(cell, str(error))
                found = {}
            self._found[cell.name] = found
        return self._found[cell.name].get(metric)

    def _resample(self, cell: Cell) -> dict[str, np.ndarray]:
        if not (cell.folder / 'predictions.pkl').is_file():
            self._note(cell, 'there is no predictions.pkl')
            return {}
        truth, sha256 = self._truth_of(cell)
        details = cell.report.get('details') or {}
        max_dets = details.get('max_dets') or resolve_settings('bbox').max_dets
        matches = matches_of_run(cell.folder, truth, sha256, max_dets)
        agreeing = {
            metric: one
            for metric, one in matches.items()
            if self._agrees(cell, metric, one)
        }
        return resample_ap(agreeing, self._bootstrap)

    def _agrees(self, cell: Cell, metric: str, matches: APMatches) -> bool:
        """Whether the predictions are those that the cell's AP is of."""
        reported = cell.metrics.get(f'{metric}_mAP')
        if reported is None:
            return False
        once = np.ones((1, matches.num_images), np.int32)
        value = float(weighted_ap(matches, once)[0])
        if abs(value - reported) <= _TOLERANCE:
            return True
        self._note(
            cell,
            f'AP_{metric} of its predictions is {100 * value:.2f}, but its '
            f'report says {100 * reported:.2f}: test it again',
        )
        return False

    def _truth_of(self, cell: Cell) -> tuple[COCO | None, str]:
        """The ground truth, and its checksum, of a cell's test."""
        known = cell.test_sha256
        for path in places_of_test(cell, self._truth, self._folder):
            if not path.is_file():
                continue
            if path not in self._truths:
                self._truths[path] = (None, sha256_of(path))
            truth, sha256 = self._truths[path]
            if known not in (None, sha256):
                continue
            if truth is None:
                truth = load_annotations(str(path))
                self._truths[path] = (truth, sha256)
            return truth, sha256
        # Kept matches are good without the file.
        return None, known or ''

    def _note(self, cell: Cell, why: str) -> None:
        cells = self._reasons.setdefault(why, [])
        if cell.name not in cells:
            cells.append(cell.name)
