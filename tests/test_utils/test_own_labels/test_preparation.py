import pytest
import torch

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.own_labels.preparation import (
    Request,
    choose_device,
    choose_size,
    prepare,
    write_config,
)
from cupre_mm.utils.own_labels.starting_point import StartingPoint
from tests.labelled_discs import write_labelled

NO_START = StartingPoint(None, 'random', None)
FULL_START = StartingPoint(None, 'AMT2', 'full')


@pytest.mark.parametrize(
    ('given', 'start', 'device', 'size'),
    [
        (None, NO_START, 'cpu', 'mini'),
        (None, NO_START, 'cuda', 'full'),
        (None, FULL_START, 'cpu', 'full'),
        ('full', NO_START, 'cpu', 'full'),
    ],
)
def test_size_is_the_users_the_checkpoints_or_the_devices(
    given, start, device, size
):
    assert choose_size(given, start, device, None) == size


def test_size_that_the_checkpoint_is_not_of():
    with pytest.raises(BadConfigError, match='is of the full model'):
        choose_size('mini', FULL_START, 'cpu', None)


def test_size_and_base_config_together():
    with pytest.raises(BadConfigError, match='give one'):
        choose_size('mini', NO_START, 'cpu', 'x.py')


def test_cpu_is_always_there():
    assert choose_device('cpu') == 'cpu'


@pytest.mark.skipif(torch.cuda.is_available(), reason='has a GPU')
def test_gpu_that_is_not_there():
    assert choose_device('auto') == 'cpu'
    with pytest.raises(BadConfigError, match='finds no GPU'):
        choose_device('cuda')


@pytest.fixture
def request_(tmp_path):
    source = write_labelled(tmp_path / 'src', images=3)
    return Request(source, tmp_path / 'out', device='cpu', workers=0)


def test_plan_from_data(request_):
    prepared = prepare(request_)
    plan = prepared.plan
    assert prepared.held_out.counts == {'train': (2, 18), 'val': (1, 9)}
    # Discs of 24 px, drawn on a grid of pixels.
    assert plan.diameter == pytest.approx(24, abs=0.5)
    assert plan.cells == 18
    assert plan.crop == 96
    assert any('random weights' in w for w in prepared.warnings)
    assert any('only 27 labelled cells' in w for w in prepared.warnings)


def test_changed_config_is_not_written_over(request_):
    prepared = prepare(request_)
    write_config(prepared)
    write_config(prepared)
    prepared.config.write_text(prepared.text + 'mine = 1\n')
    with pytest.raises(BadConfigError, match='--resume'):
        write_config(prepared)
    assert prepared.config.read_text().endswith('mine = 1\n')


def test_run_of_earlier_keeps_its_data(request_):
    prepare(request_)
    instances = request_.out / 'data' / 'annotations' / 'instances.json'
    before = instances.read_bytes()
    (request_.out / 'run').mkdir()
    (request_.out / 'run' / 'iter_1.pth').touch()
    (request_.source / 'field0_masks.tif').unlink()
    with pytest.raises(BadConfigError, match='checkpoints of an earlier run'):
        prepare(request_)
    assert instances.read_bytes() == before


def test_held_out_images_that_an_earlier_round_trained_on(tmp_path):
    first = write_labelled(tmp_path / 'first', images=3)
    old = prepare(Request(first, tmp_path / 'one', device='cpu'))
    model = tmp_path / 'one' / 'model.pth'
    weight = torch.zeros(128, 1, 1, 1)
    torch.save(
        {'state_dict': {'backbone.layer2.0.conv2.weight': weight}}, model
    )
    # Each seed holds another of the three out.
    warnings = []
    for seed in range(6):
        request = Request(
            first, tmp_path / f'two{seed}', str(model), device='cpu', seed=seed
        )
        new = prepare(request)
        same = (tmp_path / f'two{seed}/data/splits/val.json').read_text() == (
            tmp_path / 'one/data/splits/val.json'
        ).read_text()
        told = any('trained on before' in w for w in new.warnings)
        assert told != same
        warnings.append(told)
    assert any(warnings)
    assert not any('trained on before' in w for w in old.warnings)
