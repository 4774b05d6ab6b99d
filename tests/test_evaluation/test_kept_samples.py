import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from cupre_mm.evaluation.kept_samples import keep_sample
from cupre_mm.utils.errors import BadConfigError


def sample():
    masks = torch.zeros(2, 4, 6, dtype=torch.bool)
    masks[0, :2, :3] = True
    return {
        'img_id': 7,
        'ori_shape': (4, 6),
        'pred_instances': {
            'bboxes': torch.tensor([[0.0, 0, 3, 2], [1, 1, 2, 2]]),
            'scores': torch.tensor([0.9, 0.4]),
            'labels': torch.tensor([0, 1]),
            'mask_scores': torch.tensor([0.8, 0.3]),
            'masks': masks,
        },
    }


def test_prediction_becomes_arrays_and_codes():
    image, kept = keep_sample(sample(), with_ground_truth=False)
    assert image == {'img_id': 7, 'height': 4, 'width': 6}
    assert kept['img_id'] == 7
    for key in ('bboxes', 'scores', 'labels', 'mask_scores'):
        given = sample()['pred_instances'][key].numpy()
        np.testing.assert_array_equal(kept[key], given)
    assert [mask_utils.area(code) for code in kept['masks']] == [6, 0]


def test_codes_are_kept_as_they_are():
    data = sample()
    codes = keep_sample(data, False)[1]['masks']
    data['pred_instances']['masks'] = codes
    assert keep_sample(data, False)[1]['masks'] is codes


def test_sample_without_ground_truth_is_refused_with_what_to_set():
    with pytest.raises(BadConfigError, match=r'image 7 .* set ann_file'):
        keep_sample(sample(), with_ground_truth=True)
