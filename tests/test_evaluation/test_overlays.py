import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_codes

from cupre_mm.evaluation.overlays import (
    choose_comparison,
    draw_outlines,
    save_comparison,
)
from cupre_mm.utils.errors import BadDataError


def disc(center: tuple[int, int], radius: int, size: int = 64) -> dict:
    """Mask of a disc as a compressed COCO RLE."""
    y, x = np.mgrid[:size, :size]
    inside = (y - center[0]) ** 2 + (x - center[1]) ** 2 <= radius**2
    return mask_codes.encode(np.asfortranarray(inside, dtype=np.uint8))


def as_text(code: dict) -> dict:
    """The same RLE as json holds it."""
    return {**code, 'counts': code['counts'].decode()}


@pytest.fixture
def gray() -> np.ndarray:
    return np.full((64, 64, 3), 100, np.uint8)


def test_outline_runs_along_the_border_and_nowhere_else(gray):
    code = disc((32, 32), 12)
    drawn = draw_outlines(gray, [code])
    changed = (drawn != gray).any(axis=2)
    inside = mask_codes.decode(code).astype(bool)
    core = cv2.erode(inside.astype(np.uint8), np.ones((3, 3))).astype(bool)
    assert changed.any()
    assert not changed[~inside].any()
    assert not changed[core].any()


def test_image_itself_is_left_as_it_is(gray):
    before = gray.copy()
    draw_outlines(gray, [disc((20, 20), 8)])
    draw_outlines(gray[:, ::-1], [disc((20, 20), 8)])
    np.testing.assert_array_equal(gray, before)


def test_instances_that_follow_each_other_differ_in_colour(gray):
    masks = [disc((10 + 14 * i, 32), 5) for i in range(4)]
    drawn = draw_outlines(gray, masks)
    colors = [tuple(drawn[10 + 14 * i - 5, 32]) for i in range(4)]
    assert len(set(colors)) == 4


def test_mask_of_two_parts_has_two_outlines(gray):
    code = mask_codes.merge([disc((16, 16), 6), disc((48, 48), 6)])
    drawn = draw_outlines(gray, [code])
    changed = (drawn != gray).any(axis=2).astype(np.uint8)
    assert cv2.connectedComponents(changed)[0] - 1 == 2


def test_codes_from_json_and_from_predictions_look_alike(gray):
    code = disc((30, 30), 10)
    np.testing.assert_array_equal(
        draw_outlines(gray, [code]), draw_outlines(gray, [as_text(code)])
    )


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    """Ground truth of 0 to 5 cells in six images, and predictions."""
    images, annotations, samples = [], [], []
    for image_id in range(6):
        images.append(dict(id=image_id, file_name=f'{image_id}.png'))
        annotations += [
            dict(image_id=image_id, segmentation=as_text(disc((9, 9), 4)))
            for _ in range(image_id)
        ]
        found = dict(
            scores=np.array([0.9, 0.3, 0.1]),
            masks=[disc((9 + i, 9), 4) for i in range(3)],
        )
        samples.append(dict(img_id=image_id, pred_instances=found))
    truth = dict(images=images[::-1], annotations=annotations)
    (tmp_path / 'test.json').write_text(json.dumps(truth))
    (tmp_path / 'predictions.pkl').write_bytes(pickle.dumps(samples))
    return tmp_path / 'test.json', tmp_path / 'predictions.pkl'


def test_images_from_sparse_to_dense_are_chosen(files):
    truth, predictions = files
    rows = choose_comparison(truth, {'arm': predictions}, 3, 0.3)
    assert [name for name, _ in rows] == ['1.png', '2.png', '4.png']
    for name, masks in rows:
        assert list(masks) == ['ground truth', 'arm']
        assert len(masks['ground truth']) == int(name[0])
        # Those of 0.9 and 0.3.
        assert len(masks['arm']) == 2


def test_no_image_is_chosen_twice(files):
    rows = choose_comparison(files[0], {}, 40, 0.3)
    names = [name for name, _ in rows]
    assert len(names) == len(set(names)) == 4


def test_predictions_without_masks_or_of_another_test_are_named(files):
    truth, predictions = files
    samples = pickle.loads(predictions.read_bytes())
    predictions.write_bytes(pickle.dumps(samples[:4]))
    with pytest.raises(BadDataError, match=r'predictions\.pkl .*another test'):
        choose_comparison(truth, {'arm': predictions}, 3, 0.3)
    for sample in samples:
        del sample['pred_instances']['masks']
    predictions.write_bytes(pickle.dumps(samples))
    with pytest.raises(
        BadDataError, match=r'predictions\.pkl .*without masks'
    ):
        choose_comparison(truth, {'arm': predictions}, 3, 0.3)


def test_ground_truth_without_masks_is_named(files):
    truth, _ = files
    content = json.loads(truth.read_text())
    del content['annotations'][0]['segmentation']
    truth.write_text(json.dumps(content))
    with pytest.raises(BadDataError, match=r'test\.json .*without masks'):
        choose_comparison(truth, {}, 3, 0.3)


def test_comparison_has_a_row_an_image_and_a_column_an_arm(gray, tmp_path):
    masks = {'ground truth': [disc((32, 32), 12)], 'A': [], 'B': []}
    one = save_comparison(tmp_path / 'one.png', [(gray, masks)], 'title')
    rows = [(gray, masks), (gray, masks)]
    two = save_comparison(tmp_path / 'two.png', rows, 'title')
    single, double = (cv2.imread(str(path)) for path in (one, two))
    assert double.shape[1] == single.shape[1]
    assert double.shape[0] > 1.5 * single.shape[0]
    # Three columns beside the image itself: four blocks of the gray.
    line = (double == 100).all(axis=2)[double.shape[0] // 4]
    assert np.count_nonzero(np.diff(line.astype(int)) == 1) >= 4
