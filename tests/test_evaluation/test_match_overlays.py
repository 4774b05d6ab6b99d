import cv2
import numpy as np
import pytest

from cupre_mm.evaluation.match_overlays import (
    FALSE,
    FOUND,
    MISSED,
    choose_images,
    draw_match,
    save_overlays,
)
from cupre_mm.evaluation.report_details import ImageShapes, collect_details
from cupre_mm.utils.errors import BadDataError
from tests.scored_cells import SIZE, rle_of, score_cells, write_cells

CELL, FAR, OTHER = (8, 8, 12, 12), (40, 40, 12, 12), (40, 8, 12, 12)


@pytest.fixture
def gray() -> np.ndarray:
    return np.full((SIZE, SIZE, 3), 90, np.uint8)


def shapes_of(convert) -> ImageShapes:
    """One cell found, one missed, one false detection, one of low score."""
    return ImageShapes(
        truth=[convert(CELL), convert(FAR)],
        crowd=[],
        found=[convert(CELL), convert(OTHER), convert(FAR)],
        scores=np.array([0.9, 0.8, 0.1]),
    )


def has(picture: np.ndarray, box: tuple, color: tuple) -> bool:
    """Whether the colour is in and close around a box, in image pixels."""
    scale = picture.shape[1] // SIZE
    left, top, width, height = (scale * value for value in box)
    part = picture[
        top - scale : top + height + scale, left - scale : left + width + scale
    ]
    return bool((part == color).all(axis=2).any())


@pytest.mark.parametrize('convert', [rle_of, np.array])
def test_each_outcome_has_its_colour_at_its_place(gray, convert):
    picture, counts = draw_match(gray, shapes_of(convert), 0.5)
    assert counts == (1, 1, 1)
    for box, color in ((CELL, FOUND), (OTHER, FALSE), (FAR, MISSED)):
        for other in (FOUND, FALSE, MISSED):
            assert has(picture, box, other) == (other == color)


def test_misses_are_dashed_and_finds_are_not(gray):
    picture, _ = draw_match(gray, shapes_of(rle_of), 0.5)
    drawn = {
        color: int((picture[: 6 * SIZE] == color).all(axis=2).sum())
        for color in (FOUND, MISSED)
    }
    assert 0.3 < drawn[MISSED] / drawn[FOUND] < 0.8


def test_legend_wraps_below_a_narrow_picture():
    narrow = np.full((SIZE, 20, 3), 90, np.uint8)
    none = ImageShapes([], [], [], np.zeros(0))
    picture, counts = draw_match(narrow, none, 0.5)
    assert counts == (0, 0, 0)
    assert picture.shape[0] - 6 * SIZE == 3 * 34


def test_large_image_is_made_smaller():
    image = np.full((1500, 3000, 3), 90, np.uint8)
    none = ImageShapes([], [], [], np.zeros(0))
    picture, _ = draw_match(image, none, 0.5)
    assert picture.shape[1] == 1000


def test_on_a_bright_image_outlines_have_a_dark_rim(gray):
    picture, _ = draw_match(gray + 150, shapes_of(rle_of), 0.5)
    assert (picture[: 6 * SIZE] < 60).all(axis=2).any()


def test_masks_of_another_size_are_refused(gray):
    with pytest.raises(BadDataError, match='32'):
        draw_match(gray[:32], shapes_of(rle_of), 0.5)


def rows_of(scores: list) -> list[dict]:
    return [
        dict(img_id=i, cells=1, detections=1, matched_f1=score)
        for i, score in enumerate(scores)
    ]


def test_best_median_and_worst_are_chosen():
    name, chosen = choose_images(rows_of([0.3, 0.9, 0.1, 0.5, 0.7]), 1)
    assert name == 'F1 at IoU 0.5'
    assert [(rank, row['img_id']) for rank, row in chosen] == [
        ('best', 1),
        ('median', 3),
        ('worst', 2),
    ]


def test_mean_accuracy_ranks_where_every_image_has_it():
    rows = rows_of([0.3, 0.9])
    for row, accuracy in zip(rows, (0.8, 0.2)):
        row['mean_accuracy'] = accuracy
    name, chosen = choose_images(rows, 1)
    assert name == 'mean accuracy'
    assert [row['img_id'] for _, row in chosen] == [0, 1]
    del rows[0]['mean_accuracy']
    assert choose_images(rows, 1)[0] == 'F1 at IoU 0.5'


@pytest.mark.parametrize('count', range(9))
def test_no_image_is_chosen_twice(count):
    _, chosen = choose_images(rows_of([i / 10 for i in range(count)]), 2)
    ids = [row['img_id'] for _, row in chosen]
    assert len(ids) == len(set(ids)) == min(count, 6)


def test_empty_images_are_not_ranked():
    rows = rows_of([0.5, None])
    rows[1].update(cells=0, detections=0)
    assert [r['img_id'] for _, r in choose_images(rows)[1]] == [0]


def test_overlays_of_real_files_name_the_image_and_its_counts(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path))
    images = collect_details(metric.details).images
    drawn, problems = save_overlays(
        tmp_path / 'o', metric.details, images, 0.5, tmp_path / 'images', 1
    )
    assert problems == []
    assert [one.path.name for one in drawn] == [
        'best_1.png',
        'median_1.png',
        'worst_1.png',
    ]
    assert drawn[2].file_name == 'bad.png'
    assert drawn[2].caption == (
        'bad.png, mean accuracy 0.000: 0 found, 1 false, 3 missed.'
    )
    picture = cv2.imread(str(drawn[0].path))[..., ::-1]
    assert has(picture, (4, 4, 12, 12), FOUND)


def test_image_that_cannot_be_read_is_named_and_the_others_drawn(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path))
    (tmp_path / 'images' / 'bad.png').write_bytes(b'no picture')
    images = collect_details(metric.details).images
    drawn, problems = save_overlays(
        tmp_path / 'o', metric.details, images, 0.5, tmp_path / 'images', 1
    )
    assert [one.rank for one in drawn] == ['best', 'median']
    assert len(problems) == 1
    assert 'bad.png' in problems[0]


def test_without_a_folder_of_images_that_is_said(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path))
    images = collect_details(metric.details).images
    drawn, problems = save_overlays(
        tmp_path / 'o', metric.details, images, 0.5, None
    )
    assert drawn == []
    assert len(problems) == 3


def test_a_file_name_that_leads_out_writes_nothing_there(tmp_path):
    ann_file = write_cells(tmp_path)
    (tmp_path / 'images/bad.png').rename(tmp_path / 'evil.png')
    ann_file.write_text(
        ann_file.read_text().replace('"bad.png"', '"../evil.png"')
    )
    metric, _ = score_cells(ann_file)
    images = collect_details(metric.details).images
    before = set(tmp_path.rglob('*')) | {tmp_path / 'o'}
    drawn, _ = save_overlays(
        tmp_path / 'o', metric.details, images, 0.5, tmp_path / 'images', 1
    )
    assert drawn[2].file_name == '../evil.png'
    written = set(tmp_path.rglob('*')) - before
    assert len(written) == 3
    assert {path.parent for path in written} == {tmp_path / 'o'}
