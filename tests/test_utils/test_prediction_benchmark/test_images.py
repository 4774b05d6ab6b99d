import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_codes

from cupre_mm.utils.coco_json import read_coco, write_json
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.prediction_benchmark.images import (
    write_images,
    write_mosaic,
)
from cupre_mm.utils.prediction_benchmark.scoring import score

SHAPES = ((40, 50), (40, 30), (300, 10))


def write_set(folder):
    """A bright square of 8 px on dark ground in each image."""
    images, annotations = [], []
    for number, (height, width) in enumerate(SHAPES, start=1):
        mask = np.zeros((height, width), np.uint8)
        mask[5:13, 1 : 1 + 8] = 1
        noise = np.arange(height * width, dtype=np.uint16) % 40
        pixels = noise.reshape(height, width) + 900 * mask.astype(np.uint16)
        cv2.imwrite(str(folder / f'{number}.png'), pixels)
        code = mask_codes.encode(np.asfortranarray(mask))
        images.append(
            dict(
                id=number,
                file_name=f'{number}.png',
                height=height,
                width=width,
            )
        )
        annotations.append(
            dict(
                id=number,
                image_id=number,
                category_id=1,
                iscrowd=0,
                area=64,
                bbox=[1, 5, 8, 8],
                segmentation=dict(
                    size=[height, width], counts=code['counts'].decode()
                ),
            )
        )
    write_json(
        folder / 'all.json',
        dict(
            images=images,
            annotations=annotations,
            categories=[dict(id=1, name='nucleus')],
        ),
    )
    return folder / 'all.json'


def test_images_are_8_bit_and_none_is_too_large(tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    found = write_images(write_set(tmp_path), tmp_path, out, 5, 100)
    assert sorted(found.paths) == [1, 2]
    assert found.instances == 2
    pixels = cv2.imread(str(found.paths[1]), cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (40, 50, 3)
    assert (pixels[5:13, 1:9] > 200).all()


def test_fewer_images_where_fewer_are_asked_for(tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    found = write_images(write_set(tmp_path), tmp_path, out, 1, 100)
    assert len(found.paths) == 1
    truth, _ = read_coco(found.ann_file)
    assert len(truth['images']) == len(truth['annotations']) == 1


def test_no_image_small_enough_is_an_error(tmp_path):
    with pytest.raises(BadDataError, match='up to 20 px'):
        write_images(write_set(tmp_path), tmp_path, tmp_path, 5, 20)


def test_ground_truth_of_the_mosaic_lies_on_its_cells(tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    single = write_images(write_set(tmp_path), tmp_path, out, 5, 100)
    mosaic = write_mosaic(single, out, 128)
    pixels = cv2.imread(str(mosaic.paths[1]), cv2.IMREAD_GRAYSCALE)
    assert pixels.shape == (128, 128)
    truth, _ = read_coco(mosaic.ann_file)
    covered = np.zeros((128, 128), bool)
    for one in truth['annotations']:
        mask = mask_codes.decode(one['segmentation']).astype(bool)
        assert one['area'] == mask.sum()
        assert not (covered & mask).any()
        covered |= mask
    assert np.array_equal(covered, pixels > 200)
    # Three or four a row, four rows; the last row is cut to 8 px.
    assert mosaic.instances == len(truth['annotations']) >= 12


def test_the_ground_truth_itself_scores_full_marks(tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    single = write_images(write_set(tmp_path), tmp_path, out, 5, 100)
    mosaic = write_mosaic(single, out, 128)
    truth, _ = read_coco(mosaic.ann_file)
    found = [dict(one, score=0.9, label=0) for one in truth['annotations']]
    scores = score(mosaic.ann_file, {1: found})
    assert scores['bbox_mAP'] == scores['segm_mAP'] == pytest.approx(1.0)
    half = score(mosaic.ann_file, {1: found[::2]})
    assert half['segm_mAP'] < 0.7
