import hashlib
from pathlib import Path

import pytest
import torch

from cupre_mm.utils.detector_export import card_of, export_detector
from cupre_mm.utils.errors import BadCheckpointError, MissingDataError
from tests.tiny_amt2 import build_model, detector_config


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    model = build_model()
    path = tmp_path / 'iter_2.pth'
    torch.save(
        dict(
            meta=dict(iter=2, dataset_meta=dict(classes=('cell',))),
            state_dict=model.state_dict(),
            optimizer=dict(state={}),
            message_hub={},
        ),
        path,
    )
    return path


def test_file_loads_strictly_into_the_stock_detector(checkpoint, tmp_path):
    written = export_detector(checkpoint, tmp_path / 'out.pth')
    exported = torch.load(written, weights_only=False)
    stock = build_model(detector_config(), seed=4)
    stock.load_state_dict(exported['state_dict'], strict=True)
    state = torch.load(checkpoint, weights_only=False)['state_dict']
    for name, value in stock.state_dict().items():
        assert value.equal(state[name]), name


def test_keeps_meta_and_nothing_of_the_training(checkpoint, tmp_path):
    written = export_detector(checkpoint, tmp_path / 'out.pth')
    exported = torch.load(written, weights_only=False)
    assert set(exported) == {'meta', 'state_dict'}
    assert exported['meta']['iter'] == 2
    assert exported['meta']['dataset_meta']['classes'] == ('cell',)
    assert not any(name.startswith('moco') for name in exported['state_dict'])
    assert written.stat().st_size < checkpoint.stat().st_size


def test_suffix_is_that_of_the_files_sha256(checkpoint, tmp_path):
    written = export_detector(checkpoint, tmp_path / 'new' / 'out.pth')
    digest = hashlib.sha256(written.read_bytes()).hexdigest()
    assert written == tmp_path / 'new' / f'out-{digest[:8]}.pth'
    assert set(written.parent.iterdir()) == {written, card_of(written)}


def test_same_weights_give_the_same_file(checkpoint, tmp_path):
    one = export_detector(checkpoint, tmp_path / 'one' / 'out.pth')
    two = export_detector(checkpoint, tmp_path / 'two' / 'out.pth')
    assert one.name == two.name
    other = export_detector(checkpoint, tmp_path / 'other.pth')
    assert other.stem.split('-')[1] == one.stem.split('-')[1]


def test_name_without_an_ending_gets_one(checkpoint, tmp_path):
    assert export_detector(checkpoint, tmp_path / 'out').suffix == '.pth'


def test_checkpoint_without_a_backbone_is_refused(tmp_path):
    path = tmp_path / 'other.pth'
    torch.save(dict(state_dict={'encoder.weight': torch.zeros(1)}), path)
    with pytest.raises(BadCheckpointError, match='not a checkpoint of a det'):
        export_detector(path, tmp_path / 'out.pth')
    assert list(tmp_path.iterdir()) == [path]


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r'none\.pth'):
        export_detector(tmp_path / 'none.pth', tmp_path / 'out.pth')
