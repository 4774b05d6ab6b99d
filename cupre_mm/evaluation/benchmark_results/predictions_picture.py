"""Test images of a benchmark with what each arm finds in them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cupre_mm.utils.dataset_inspection.dataset_pictures import read_visible
from cupre_mm.utils.errors import MissingDataError, UserError
from cupre_mm.utils.prediction_files import read_predictions

from ..overlays import choose_comparison, save_comparison
from .cells import Cell, places_of_test
from .results import Results, data_folder
from .results_plots import Plot

_FILE = 'predictions.png'
_IMAGES = 4
_SCORE = 0.5


def save_predictions(
    folder: Path, results: Results, truth: Path | None = None
) -> list[Plot]:
    """Write a picture with a row an image and a column an arm.

    Shown are the arms of the first setting and the peers, without controls,
    with the fewest labels, and the seed that most of them have. Where the
    images are not at hand, a note is added to the results.

    Args:
        folder (Path): Where to.
        results (Results): The results.
        truth (Path, optional): Annotation file of the test part. Defaults
            to None: the one that each cell names.

    Returns:
        list[Plot]: The picture; none where there is nothing to show.
    """
    path = folder / _FILE
    cells = _cells_to_show(results)
    if cells:
        try:
            return [_draw(path, results, cells, truth)]
        except UserError as error:
            results.notes.append(f'No picture of test images: {error}.')
    path.unlink(missing_ok=True)
    return []


def _cells_to_show(results: Results) -> list[Cell]:
    grid = results.grid
    arms = [
        arm.name
        for arm in results.arms_of(results.settings[0])
        if arm.name not in grid.baselines[1:]
    ]
    found = [
        cell
        for cell in results.cells
        if cell.arm in arms
        and cell.status == 'done'
        and (cell.folder / 'predictions.pkl').is_file()
    ]
    if not found:
        return []
    fewest = min(cell.size for cell in found)
    found = [cell for cell in found if cell.size == fewest]
    # Of equals the first: lower seeds come before.
    (seed, _), *_ = Counter(sorted(cell.seed for cell in found)).most_common()
    return [cell for cell in found if cell.seed == seed]


def _draw(
    path: Path, results: Results, cells: Sequence[Cell], truth: Path | None
) -> Plot:
    # A peer does not tell the images' folder.
    cell = min(cells, key=lambda one: one.is_peer)
    places = places_of_test(cell, truth, data_folder(results.grid))
    annotations = next((place for place in places if place.is_file()), None)
    if annotations is None:
        raise MissingDataError(
            f'the annotations of the test part, {cell.test_file}, do not exist'
        )
    rows = choose_comparison(
        annotations,
        {
            results.grid.arm(one.arm).label: one.folder / 'predictions.pkl'
            for one in cells
        },
        _IMAGES,
        _SCORE,
    )
    images = [
        Path(sample.get('img_path') or '')
        for sample in read_predictions(cell.folder / 'predictions.pkl')
    ]
    shown = [(_image(name, images), masks) for name, masks in rows]
    title = 'Test images and what is found in them'
    number = f'{_SCORE} or more (number of instances)'
    save_comparison(
        path,
        shown,
        f'{results.grid.title}: predictions with a score of {number}',
    )
    caption = (
        f'Test images from sparse to dense, {cells[0].size.label}, '
        f'seed {cells[0].seed}: outlines of what has a score of {number}.'
    )
    return Plot(path, title, caption)


def _image(name: str, images: Sequence[Path]) -> np.ndarray:
    end = Path(name).parts
    for path in images:
        if path.parts[-len(end) :] == end:
            return read_visible(path)[0]
    raise MissingDataError(f'the predictions do not tell where {name} lies')
