"""Matches of a test run, and the file that keeps them."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from cupre_mm.evaluation.benchmark_results import ap_matches
from cupre_mm.evaluation.benchmark_results.ap_matches import (
    FILE_NAME,
    extract_matches,
    matches_of_run,
)
from cupre_mm.evaluation.benchmark_results.weighted_ap import weighted_ap
from cupre_mm.evaluation.coco_annotations import load_annotations
from cupre_mm.utils.errors import BadDataError


@pytest.fixture
def truth(truth_file: Path):
    return load_annotations(str(truth_file))


@pytest.fixture
def run(tmp_path: Path, samples_of) -> Path:
    folder = tmp_path / 'run'
    folder.mkdir()
    content = pickle.dumps(samples_of(0.7, 1))
    (folder / 'predictions.pkl').write_bytes(content)
    return folder


@pytest.mark.parametrize('metric', ['bbox', 'segm'])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_with_each_image_once_ap_is_that_of_pycocotools(
    truth, samples_of, ap_by_pycocotools, metric, seed
):
    samples = samples_of(0.7, seed)
    found = extract_matches(samples, truth, 3000)[metric]
    value = weighted_ap(found, np.ones((1, 4), int))
    expected = ap_by_pycocotools(samples, metric)
    assert 0 < expected < 1
    assert value == pytest.approx([expected], abs=1e-9)


def test_boxes_and_masks_are_matched_apart(
    truth, samples_of, ap_by_pycocotools
):
    samples = samples_of(0.7, 1)
    found = extract_matches(samples, truth, 3000)
    expected = [ap_by_pycocotools(samples, m) for m in ('bbox', 'segm')]
    assert expected[0] - expected[1] > 0.02
    values = [weighted_ap(one, np.ones((1, 4), int)) for one in found.values()]
    assert np.concatenate(values) == pytest.approx(expected, abs=1e-9)


def test_boxes_without_masks_have_box_matches_only(truth, samples_of):
    samples = samples_of(0.7, 0)
    for sample in samples:
        del sample['pred_instances']['masks']
    assert list(extract_matches(samples, truth, 3000)) == ['bbox']


def test_an_image_without_prediction_counts_as_missed(truth, samples_of):
    found = extract_matches(samples_of(1.0, 0)[:2], truth, 3000)['bbox']
    assert found.truths.ravel().tolist() == [1, 2, 3, 4]
    assert set(found.image) == {0, 1}


def test_detections_beyond_the_cap_are_left_out(truth, samples_of):
    found = extract_matches(samples_of(1.0, 0), truth, 2)['bbox']
    assert np.bincount(found.image).tolist() == [1, 2, 2, 2]


def test_kept_matches_are_read_again(truth, run, monkeypatch):
    first = matches_of_run(run, truth, 'abc', 3000)
    monkeypatch.setattr(ap_matches, 'extract_matches', None)
    again = matches_of_run(run, None, 'abc', 3000)
    assert list(again) == ['bbox', 'segm']
    for metric, one in first.items():
        for name in ('image', 'label', 'right', 'ignored', 'truths'):
            np.testing.assert_array_equal(
                getattr(again[metric], name), getattr(one, name)
            )


@pytest.mark.parametrize('change', ['predictions', 'truth', 'cap', 'damage'])
def test_matches_of_other_files_are_made_anew(
    truth, run, samples_of, change, monkeypatch
):
    matches_of_run(run, truth, 'abc', 3000)
    made = []
    original = ap_matches.extract_matches
    monkeypatch.setattr(
        ap_matches,
        'extract_matches',
        lambda *arguments: made.append(1) or original(*arguments),
    )
    sha256, cap = 'abc', 3000
    if change == 'predictions':
        content = pickle.dumps(samples_of(0.2, 5))
        (run / 'predictions.pkl').write_bytes(content)
    elif change == 'truth':
        sha256 = 'def'
    elif change == 'cap':
        cap = 2
    else:
        whole = (run / FILE_NAME).read_bytes()
        (run / FILE_NAME).write_bytes(whole[: len(whole) // 2])
    matches_of_run(run, truth, sha256, cap)
    matches_of_run(run, truth, sha256, cap)
    assert made == [1]


def test_without_ground_truth_nothing_can_be_matched(run):
    with pytest.raises(BadDataError, match='ground truth'):
        matches_of_run(run, None, 'abc', 3000)


def test_predictions_of_something_else_are_refused(truth):
    with pytest.raises(BadDataError, match=r'tools/test\.py --out'):
        extract_matches([{'img_id': 0}], truth, 3000)
