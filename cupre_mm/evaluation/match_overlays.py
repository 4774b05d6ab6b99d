"""Pictures of what a model found, invented and missed on single images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_codes

from cupre_mm.utils.dataset_inspection.dataset_pictures import read_visible
from cupre_mm.utils.errors import BadDataError, UserError

from .error_kinds import IGNORED, TRUE_POSITIVE
from .evaluation_details import EvaluationDetails
from .report_details import ImageShapes, image_shapes

# Okabe and Ito's blue, orange and yellow, as R, G, B.
FOUND, FALSE, MISSED = (86, 180, 233), (230, 110, 0), (240, 228, 66)
LEGEND = (
    ('found', FOUND),
    ('false detection', FALSE),
    ('missed cell (dashed)', MISSED),
)
# Pictures are enlarged or reduced to about so many pixels a side.
_SIDE = 1000
_BAR = 34
_DASH = 6
_RIM = (40, 40, 40)


@dataclass(frozen=True)
class Overlay:
    """A picture of one image that was written.

    Attributes:
        path (Path): The picture.
        rank (str): ``'best'``, ``'median'`` or ``'worst'``.
        file_name (str): The image.
        score_name (str): What images were ranked by.
        score (float): Its value for this image.
        num_found (int): True positives.
        num_false (int): False positives.
        num_missed (int): Misses.
    """

    path: Path
    rank: str
    file_name: str
    score_name: str
    score: float
    num_found: int
    num_false: int
    num_missed: int

    @property
    def caption(self) -> str:
        """What the picture shows, in a sentence."""
        return (
            f'{self.file_name}, {self.score_name} {self.score:.3f}: '
            f'{self.num_found} found, {self.num_false} false, '
            f'{self.num_missed} missed.'
        )


def choose_images(
    images: Sequence[Mapping[str, Any]], of_each: int = 2
) -> tuple[str, list[tuple[str, Mapping[str, Any]]]]:
    """Choose the worst, the best and the middle images.

    Ranked by mean segmentation accuracy where every image has it, else by
    F1 at IoU 0.5; images without cells and detections are left out.

    Args:
        images (Sequence[Mapping]): Rows of a report.
        of_each (int): How many to choose of each. Defaults to 2; no image is
            chosen twice, and the worst are chosen first.

    Returns:
        tuple[str, list[tuple[str, Mapping]]]: What they are ranked by, and
        rank and row of each, the best first.
    """
    rows = [row for row in images if row['cells'] or row['detections']]
    key, name = 'matched_f1', 'F1 at IoU 0.5'
    if rows and all(row.get('mean_accuracy') is not None for row in rows):
        key, name = 'mean_accuracy', 'mean accuracy'
    rows = sorted(rows, key=lambda row: (row[key], str(row['img_id'])))
    count = len(rows)
    middle = max((count - of_each) // 2, 0)
    places = {
        'worst': range(of_each),
        'best': range(count - 1, count - 1 - of_each, -1),
        'median': range(middle, middle + of_each),
    }
    ranks: dict[int, str] = {}
    for turn in range(of_each):
        for rank, wanted in places.items():
            if 0 <= wanted[turn] < count:
                ranks.setdefault(wanted[turn], rank)
    order = ('best', 'median', 'worst')
    chosen = sorted(
        ranks.items(), key=lambda item: (order.index(item[1]), -item[0])
    )
    return name, [
        (rank, {**rows[place], 'rank_score': rows[place][key]})
        for place, rank in chosen
    ]


def save_overlays(
    folder: str | Path,
    details: EvaluationDetails,
    images: Sequence[Mapping[str, Any]],
    score_thr: float,
    image_folder: str | Path | None,
    of_each: int = 2,
) -> tuple[list[Overlay], list[str]]:
    """Draw the best, median and worst images.

    Args:
        folder (str | Path): Where to; made if it does not exist.
        details (EvaluationDetails): What ``CellMetric`` kept.
        images (Sequence[Mapping]): Rows of the report.
        score_thr (float): Least score of the detections to draw.
        image_folder (str | Path, optional): Folder that file names start
            from; None where it is not known.
        of_each (int): How many to draw of each. Defaults to 2.

    Returns:
        tuple[list[Overlay], list[str]]: The pictures, and a sentence for
        each that could not be drawn.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    score_name, chosen = choose_images(images, of_each)
    if not chosen:
        return [], ['No overlays: no image has cells or detections.']
    original = {
        image['id']: image for image in details.ground_truth.imgs.values()
    }
    ids = {str(img_id): img_id for img_id in original}
    drawn, problems, times = [], [], {}
    for rank, row in chosen:
        img_id = ids[str(row['img_id'])]
        name = original[img_id].get('file_name')
        try:
            if name is None or image_folder is None:
                raise BadDataError(
                    'the evaluation does not know the file of the image'
                )
            pixels, _ = read_visible(Path(image_folder) / name)
            ((_, shapes),) = image_shapes(details, [img_id])
            picture, counts = draw_match(pixels, shapes, score_thr)
        except UserError as error:
            problems.append(
                f'No overlay of image {name or img_id} ({rank}): {error}.'
            )
            continue
        times[rank] = times.get(rank, 0) + 1
        path = folder / f'{rank}_{times[rank]}.png'
        _write_png(path, picture)
        score = row['rank_score']
        drawn.append(Overlay(path, rank, name, score_name, score, *counts))
    return drawn, problems


def draw_match(
    image: np.ndarray, shapes: ImageShapes, score_thr: float
) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Outline true positives, false positives and misses.

    Args:
        image (np.ndarray): RGB image of shape (H, W, 3), uint8.
        shapes (ImageShapes): Its cells and detections.
        score_thr (float): Least score of the detections to draw.

    Returns:
        tuple[np.ndarray, tuple[int, int, int]]: An RGB picture with a
        legend below, enlarged or reduced to about 1000 px a side, and the
        numbers of true positives, false positives and misses.

    Raises:
        BadDataError: If a mask has not the image's size.
    """
    match = shapes.match(score_thr)
    height, width = image.shape[:2]
    scale = _SIDE / max(height, width)
    # Whole factors keep the pixels of small images square and sharp.
    scale = min(max(int(scale), 1), 6) if scale >= 1 else scale
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    how = cv2.INTER_NEAREST if scale >= 1 else cv2.INTER_AREA
    drawn = cv2.resize(image, size, interpolation=how)
    groups: dict[tuple, list] = {MISSED: [], FALSE: [], FOUND: []}
    for kind, shape in zip(match.truth, shapes.truth):
        if kind != TRUE_POSITIVE:
            groups[MISSED].append(shape)
    for kind, place in zip(match.found, match.order):
        if kind != IGNORED:
            color = FOUND if kind == TRUE_POSITIVE else FALSE
            groups[color].append(shapes.found[place])
    # Light outlines are hard to see on a light background.
    bright = np.median(image) > 127
    for color in (FOUND, FALSE, MISSED):
        for shape in groups[color]:
            for line in _outline(shape, (height, width), scale):
                _stroke(drawn, line, color, color == MISSED, bright)
    counts = tuple(len(groups[color]) for color in (FOUND, FALSE, MISSED))
    return np.vstack([drawn, _legend(drawn.shape[1], counts)]), counts


def _outline(
    shape: Any, size: tuple[int, int], scale: float
) -> list[np.ndarray]:
    """Outlines of a mask or a box in the scaled picture, (P, 2) as x, y."""
    if not isinstance(shape, dict):
        left, top, width, height = shape
        x, y = (left, left + width), (top, top + height)
        corners = [(x[i], y[j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
        return [np.rint(np.array(corners) * scale).astype(np.int32)]
    if tuple(shape['size']) != size:
        raise BadDataError(
            f'the image is {size} (height, width), its masks are '
            f'{tuple(shape["size"])}'
        )
    inside = mask_codes.decode(dict(shape))
    if not inside.any():
        return []
    left, top, width, height = (
        int(value) for value in mask_codes.toBbox(dict(shape))
    )
    crop = inside[top : top + height, left : left + width]
    if scale > 1:
        # Enlarged first, the outline follows the edges of the pixels.
        crop = np.kron(crop, np.ones((int(scale),) * 2, np.uint8))
    lines, _ = cv2.findContours(crop, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if scale > 1:
        offset = np.array([left, top]) * int(scale)
        return [line.reshape(-1, 2) + offset for line in lines]
    return [
        np.rint((line.reshape(-1, 2) + (left, top)) * scale).astype(np.int32)
        for line in lines
    ]


def _stroke(
    picture: np.ndarray,
    line: np.ndarray,
    color: tuple,
    dashed: bool,
    rimmed: bool,
) -> None:
    parts = [np.vstack([line, line[:1]])]
    if dashed:
        closed = parts[0] if len(line) > 4 else _walk(parts[0])
        starts = range(0, len(closed), 2 * _DASH)
        parts = [closed[start : start + _DASH + 1] for start in starts]
    if rimmed:
        cv2.polylines(picture, parts, False, _RIM, 4, cv2.LINE_AA)
    cv2.polylines(picture, parts, False, color, 2, cv2.LINE_AA)


def _walk(corners: np.ndarray) -> np.ndarray:
    """Points one pixel apart along straight sides."""
    sides = [
        np.linspace(a, b, max(int(np.abs(b - a).max()), 1), endpoint=False)
        for a, b in pairwise(corners)
    ]
    return np.rint(np.vstack(sides)).astype(np.int32)


def _legend(width: int, counts: Sequence[int]) -> np.ndarray:
    """A bar that names the colours, in as many lines as it needs."""
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.55
    entries = [
        (f'{name}: {count}', color)
        for (name, color), count in zip(LEGEND, counts)
    ]
    places, x, line = [], 12, 0
    for text, _ in entries:
        needed = 26 + cv2.getTextSize(text, font, size, 1)[0][0] + 22
        if x > 12 and x + needed > width:
            x, line = 12, line + 1
        places.append((x, line * _BAR))
        x += needed
    bar = np.full(((line + 1) * _BAR, width, 3), 40, np.uint8)
    for (text, color), (left, top) in zip(entries, places):
        cv2.rectangle(bar, (left, top + 10), (left + 16, top + 24), color, -1)
        cv2.putText(
            bar,
            text,
            (left + 26, top + 22),
            font,
            size,
            (255, 255, 255),
            1,
            cv2.LINE_AA,
        )
    return bar


def _write_png(path: Path, picture: np.ndarray) -> None:
    _, content = cv2.imencode('.png', picture[..., ::-1])
    path.write_bytes(content.tobytes())
