import os
import pickle

import numpy as np
import pytest
import torch

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.prediction_files import read_predictions


class Evil:
    def __reduce__(self):
        return os.mkdir, ('RAN',)


def test_arrays_tensors_and_codes_come_back(tmp_path):
    scores = torch.rand(3)
    instances = {
        'scores': scores,
        'labels': np.arange(3),
        'masks': [{'size': [2, 2], 'counts': b'04'}],
        'score': np.float32(0.5),
    }
    path = tmp_path / 'a.pkl'
    samples = [{'img_id': 1, 'pred_instances': instances}]
    path.write_bytes(pickle.dumps(samples))
    (sample,) = read_predictions(path)
    found = sample['pred_instances']
    assert torch.equal(found['scores'], scores)
    assert found['labels'].tolist() == [0, 1, 2]
    assert found['masks'] == instances['masks']


def test_a_pickle_with_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'evil.pkl'
    path.write_bytes(pickle.dumps([Evil()]))
    with pytest.raises(BadDataError, match=r'evil\.pkl.*would run \w+\.mkdir'):
        read_predictions(path)
    assert not (tmp_path / 'RAN').exists()
    path.write_bytes(b'no pickle')
    with pytest.raises(BadDataError, match='cannot be read as predictions'):
        read_predictions(path)
