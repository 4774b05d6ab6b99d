"""Pictures of pairs side by side."""

import numpy as np
from PIL import Image

from cupre_mm.utils.leakage.image_fingerprints import turn
from cupre_mm.utils.leakage.leak_check import LeakPair
from cupre_mm.utils.leakage.pair_sheets import describe, write_pair_sheets
from tests.blob_images import blob_image


def _pair(folder, number, turned=0):
    corpus = folder / f'corpus_{number}.png'
    evaluation = folder / f'evaluation_{number}.png'
    image = blob_image(number, 140, 140)
    Image.fromarray(image).save(corpus)
    Image.fromarray(turn(image, turned)).save(evaluation)
    return LeakPair(str(corpus), str(evaluation), 'perceptual', 4, 0.97)


def _panels(sheet):
    page = np.asarray(Image.open(sheet).convert('L')).astype(int)
    return page[50:320, 10:280], page[50:320, 296:566]


def test_all_pairs_are_drawn_and_old_sheets_go(tmp_path):
    pairs = [_pair(tmp_path, number) for number in range(9)]
    folder = tmp_path / 'pictures'
    assert len(write_pair_sheets(pairs, folder)) == 2
    (sheet,) = write_pair_sheets(pairs[:1], folder)
    assert list(folder.iterdir()) == [sheet]
    assert write_pair_sheets([], folder) == []
    assert list(folder.iterdir()) == []


def test_evaluation_image_is_turned_onto_the_corpus_image(tmp_path):
    pair = _pair(tmp_path, 0, turned=3)
    pair = LeakPair(
        pair.corpus, pair.evaluation, 'perceptual', 4, 0.97, 'rotated 90'
    )
    (sheet,) = write_pair_sheets([pair], tmp_path)
    left, right = _panels(sheet)
    assert left.std() > 20
    assert np.corrcoef(left.ravel(), right.ravel())[0, 1] > 0.95


def test_description_of_a_crop_has_its_place_and_no_distance():
    crop = LeakPair('a', 'b', 'crop', None, 0.9, offset=(-3, 12))
    facts = describe(crop)
    assert 'bits' not in facts
    assert facts.endswith('correlation 0.900  as stored  offset -3, 12 px')
