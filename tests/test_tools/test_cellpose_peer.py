"""tools/analysis/peers/cellpose_peer.py from the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests import fake_peer
from tests.scored_cells import write_cells
from tools.analysis.peers import cellpose_peer as tool
from tools.analysis.peers import score_by_peer

GATE = 'CUPRE_CELLPOSE_PYTHON'


@pytest.fixture
def arguments(tmp_path, monkeypatch) -> list[str]:
    """Flags of a data set with splits, and a stand-in for the driver."""
    drivers = tmp_path / 'drivers'
    drivers.mkdir()
    shutil.copy(fake_peer.__file__, drivers / 'cellpose_driver.py')
    for module in (tool, score_by_peer):
        monkeypatch.setattr(module, 'DRIVERS', drivers)
    test = write_cells(tmp_path / 'data')
    for name in ('s0/train_5', 's1/train_5', 's1/train_2shots'):
        target = tmp_path / f'data/{name}.json'
        target.parent.mkdir(exist_ok=True)
        shutil.copy(test, target)
    return [
        *('--python', sys.executable, '--data', str(tmp_path / 'data')),
        *('--test', 'test.json'),
    ]


def run(arguments, tmp_path, *more):
    work_dir = tmp_path / 'work'
    tool.main(
        [*arguments, '--work-dir', str(work_dir), '--splits', 's{seed}', *more]
    )
    return work_dir / 'cells/cellpose'


def test_cells_are_run_once_and_scored_both_ways(arguments, tmp_path, capsys):
    cells = run(arguments, tmp_path, '--cells', '5:0', '2shots:1')
    printed = capsys.readouterr().out
    assert '[2/2] cellpose/2shots/seed1: 3 images, 7 instances' in printed
    assert 'AP_bbox 100.0, AP_segm 100.0' in printed
    assert '2 images left out' in printed
    for name in ('5pct/seed0', '2shots/seed1'):
        record = json.loads((cells / name / 'cell.json').read_text())
        assert record['status'] == 'done'
    assert record['shots'] == 2
    assert record['recipe']['n_epochs'] == 500
    run(arguments, tmp_path, '--cells', '5:0', '5:1')
    printed = capsys.readouterr().out
    assert '[1/2] cellpose/5pct/seed0: done before' in printed
    score_by_peer.main([str(tmp_path / 'work'), *arguments])
    printed = capsys.readouterr().out
    assert '3 cells, 3 of them scored before' in printed
    table = (tmp_path / 'work/peer_scores.md').read_text()
    assert '100.0 ± 0.0' in table
    assert 'Cellpose 3.1.1' in table


def test_recipe_flags_reach_the_driver_and_are_told(
    arguments, tmp_path, capsys
):
    cells = run(
        arguments, tmp_path, '--cells', '5:1', '--epochs', '9',
        '--images-per-epoch', '2', '--diameter', 'trained', '--amp',
        'bfloat16',
    )  # fmt: skip
    settings = json.loads((cells / '5pct/seed1/peer/train.json').read_text())
    recipe = settings['recipe']
    assert (recipe['n_epochs'], recipe['nimg_per_epoch']) == (9, 2)
    assert (recipe['size_model'], recipe['amp']) == (False, 'bfloat16')
    assert settings['seed'] == 1
    printed = capsys.readouterr().out
    assert 'not as documented: n_epochs=9 (documented: 500)' in printed


def test_bound_above_the_number_of_images_changes_nothing(arguments, tmp_path):
    more = ('--cells', '5:0', '--images-per-epoch', '3')
    cells = run(arguments, tmp_path, *more)
    record = json.loads((cells / '5pct/seed0/cell.json').read_text())
    assert record['recipe']['nimg_per_epoch'] is None
    assert record['deviations'] == []


def test_failed_cell_does_not_stop_the_others(arguments, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run(arguments, tmp_path, '--cells', '10:0', '5:0')
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert 'train_10.json does not exist' in told
    assert '1 of 2 cells failed: cellpose/10pct/seed0' in told
    done = tmp_path / 'work/cells/cellpose/5pct/seed0/cell.json'
    assert json.loads(done.read_text())['status'] == 'done'


def test_missing_environment_is_one_line(arguments, tmp_path, capsys):
    arguments[1] = str(tmp_path / 'nowhere/python')
    with pytest.raises(SystemExit):
        run(arguments, tmp_path, '--cells', '5:0')
    told = capsys.readouterr().err
    assert told.startswith('error: ')
    assert "pip install 'cellpose>=3.1,<4'" in told


def test_all_sizes_of_the_grid_are_run_without_cells_named(tmp_path):
    args = tool.parse_args(['--python', 'python', '--work-dir', str(tmp_path)])
    assert [(size.name, seed) for size, seed in args.cells] == [
        *(('5pct', seed) for seed in (0, 1, 2)),
        *((f'{number}pct', 0) for number in (10, 20, 100)),
    ]


def test_unreadable_cell_is_refused(arguments, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(arguments, tmp_path, '--cells', 'five')
    assert 'SIZE:SEED' in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(
    GATE not in os.environ,
    reason=f'needs Cellpose: {GATE} names its Python',
)
def test_real_cellpose_trains_predicts_and_scores(tmp_path):
    data = tmp_path / 'data'
    boxes = [(x, y, 12, 12) for x in (4, 24, 44) for y in (4, 24, 44)]
    write_cells(data, {'a.png': boxes, 'b.png': boxes[:6], 'c.png': boxes[:2]})
    shutil.copy(data / 'test.json', data / 'train_5.json')
    work_dir = tmp_path / 'work'
    tool.main(
        [
            *('--python', os.environ[GATE], '--work-dir', str(work_dir)),
            *('--data', str(data), '--test', 'test.json', '--splits', '.'),
            *('--cells', '5:0', '--epochs', '2', '--threads', '1'),
            *('--amp', 'bfloat16'),
        ]
    )
    folder = work_dir / 'cells/cellpose/5pct/seed0'
    record = json.loads((folder / 'cell.json').read_text())
    assert record['status'] == 'done'
    assert record['peer']['images_left_out'] == 1
    assert record['peer']['parameters'] > 6e6
    assert record['versions']['cellpose'].startswith('3.')
    own = record['own_metrics']['cellpose']
    assert 0 <= own['average_precision_0.5'] <= 1
    assert own['counts']['images'] == 3
    assert Path(folder / 'peer/model/models/cellpose_size.npy').is_file()


@pytest.mark.slow
@pytest.mark.skipif(
    GATE not in os.environ,
    reason=f'needs Cellpose: {GATE} names its Python',
)
def test_real_metrics_take_images_without_instances(tmp_path):
    blank = np.zeros((40, 40), np.int32)
    one = blank.copy()
    one[5:20, 5:20] = 1
    for name, labels in (('blank', blank), ('one', one)):
        tifffile.imwrite(tmp_path / f'{name}.tif', labels)
    pairs = [('blank', 'blank'), ('one', 'blank'), ('one', 'one')]
    pairs.append(('blank', 'one'))
    settings = {
        'truth': [f'{truth}.tif' for truth, _ in pairs],
        'found': [f'{found}.tif' for _, found in pairs],
        'result': 'result.json',
    }
    (tmp_path / 'settings.json').write_text(json.dumps(settings))
    driver = tool.DRIVERS / 'cellpose_driver.py'
    arguments = ('score', tmp_path / 'settings.json', tmp_path)
    subprocess.run([os.environ[GATE], driver, *arguments], check=True)
    result = json.loads((tmp_path / 'result.json').read_text())
    own = result['own_metrics']
    counts = own['counts']
    assert (counts['images'], counts['images_defined']) == (4, 3)
    assert own['average_precision_0.5'] == pytest.approx(1 / 3)
    assert own['aji'] == pytest.approx(1 / 3)
    assert [counts[f'{name}_0.5'] for name in ('tp', 'fp', 'fn')] == [1, 1, 1]
    # All but the counts are shares: tables show them times 100.
    assert all(
        0 <= value <= 1 for name, value in own.items() if name != 'counts'
    )
