import codecs
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


# mmengine writes protocol 2, Python itself 4 or more.
@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_arrays_tensors_and_codes_come_back(tmp_path, protocol):
    scores = torch.rand(3)
    instances = {
        'scores': scores,
        'labels': np.arange(3),
        'masks': [{'size': [2, 2], 'counts': b'04\xff'}, {'counts': b''}],
        'score': np.float32(0.5),
    }
    path = tmp_path / 'a.pkl'
    samples = [{'img_id': 1, 'pred_instances': instances}]
    path.write_bytes(pickle.dumps(samples, protocol))
    (sample,) = read_predictions(path)
    found = sample['pred_instances']
    assert torch.equal(found['scores'], scores)
    assert found['labels'].tolist() == [0, 1, 2]
    assert found['masks'] == instances['masks']


class OddCodec:
    def __reduce__(self):
        return codecs.encode, ('x', 'rot13')


def test_no_codec_but_that_of_bytes_is_run(tmp_path):
    path = tmp_path / 'odd.pkl'
    path.write_bytes(pickle.dumps([OddCodec()]))
    with pytest.raises(BadDataError, match="codec 'rot13'"):
        read_predictions(path)


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
