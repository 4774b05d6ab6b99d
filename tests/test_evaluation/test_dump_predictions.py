"""The pickle file of predictions, whatever form the masks have."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.evaluation import DumpDetResults
from mmdet.structures import DetDataSample
from mmdet.structures.mask import encode_mask_results
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from cupre_mm.evaluation import DumpPredictions


def samples(with_codes: bool) -> list[DetDataSample]:
    """An image with three detections, and one without."""
    made = []
    for number in (3, 0):
        masks = np.zeros((number, 12, 15), bool)
        for i in range(number):
            masks[i, 2 : 5 + i, 3:9] = True
        made.append(
            DetDataSample(
                metainfo=dict(img_id=number),
                gt_instances=InstanceData(labels=torch.zeros(4)),
                pred_instances=InstanceData(
                    bboxes=torch.full((number, 4), 3.0),
                    scores=torch.ones(number),
                    labels=torch.zeros(number, dtype=torch.long),
                    masks=encode_mask_results(masks)
                    if with_codes
                    else torch.from_numpy(masks),
                ),
            )
        )
    return made


def dump(kind: type, data_samples: list, file: Path) -> list[dict]:
    evaluator = Evaluator(kind(str(file)))
    # One image at a time: results are added to those before.
    for data_sample in data_samples:
        evaluator.process([data_sample])
    evaluator.evaluate(len(data_samples))
    return pickle.loads(file.read_bytes())


@pytest.mark.parametrize('with_codes', [True, False])
def test_file_is_the_one_of_mmdet(tmp_path, with_codes):
    given = samples(with_codes)
    before = copy.deepcopy(given)
    ours = dump(DumpPredictions, given, tmp_path / 'ours.pkl')
    stock = dump(DumpDetResults, samples(False), tmp_path / 'stock.pkl')
    assert [len(one['pred_instances']['masks']) for one in ours] == [3, 0]
    for mine, theirs in zip(ours, stock):
        assert set(mine) == set(theirs)
        assert 'gt_instances' not in mine
        found, wanted = mine['pred_instances'], theirs['pred_instances']
        assert set(found) == set(wanted)
        assert found['masks'] == wanted['masks']
        for name in ('bboxes', 'scores', 'labels'):
            assert torch.equal(found[name], wanted[name])
    # Other metrics read the same samples afterwards.
    for kept, was in zip(given, before):
        assert set(kept.pred_instances.keys()) == set(
            was.pred_instances.keys()
        )


def test_predictions_without_masks(tmp_path):
    given = samples(with_codes=True)
    for one in given:
        del one.pred_instances.masks
    ours = dump(DumpPredictions, given, tmp_path / 'ours.pkl')
    assert 'masks' not in ours[0]['pred_instances']
