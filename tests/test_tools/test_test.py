"""tools/test.py: a real train and test, its report and its errors."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def run(tool: str, arguments: list, folder: Path) -> str:
    """Run a tool as a person does, from a folder of its own."""
    environment = dict(os.environ, OMP_NUM_THREADS='1')
    environment['PYTHONPATH'] = str(TOOLS.parent)
    done = subprocess.run(
        [sys.executable, TOOLS / f'{tool}.py', *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def checkpoint(tiny_config, tmp_path) -> Path:
    """Untrained weights of the tiny model."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(tiny_config).model)
    path = tmp_path / 'weights.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    return path


@pytest.fixture
def main(load_tool):
    return load_tool('test').main


def fails_with(capsys, main, arguments: list) -> str:
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    assert stopped.value.code == 2
    written = capsys.readouterr().err
    assert 'Traceback' not in written
    return written


def test_train_then_test_from_another_folder(tiny_config, tmp_path):
    folder = tmp_path / 'elsewhere'
    folder.mkdir()
    run('train', [tiny_config], folder)
    trained = 'work_dirs/tiny/iter_2.pth'
    out = run(
        'test',
        [tiny_config, '--checkpoint', trained, '--out', 'made/all.pkl']
        + ['--show-dir', 'pictures'],
        folder,
    )
    work_dir = folder / 'work_dirs' / 'tiny'
    report = json.loads((work_dir / 'report.json').read_text())
    assert report['checkpoint'] == trained
    assert len(report['checkpoint_sha256']) == 64
    assert report['dataset'] == 'CocoDataset'
    assert report['counts']['num_images'] == 3
    assert report['counts']['num_instances'] == 9
    assert report['counts']['num_images_at_cap'] == 3
    assert 0 <= report['metrics']['coco/segm_mAP'] <= 1
    assert '| AP small |' in out
    assert '| AP small |' in (work_dir / 'report.md').read_text()
    assert len((work_dir / 'report.csv').read_text().splitlines()) == 1 + 3
    # Pictures are for those who ask for them.
    assert not (work_dir / 'report.html').exists()
    with (folder / 'made' / 'all.pkl').open('rb') as stream:
        predictions = pickle.load(stream)
    assert [p['img_id'] for p in predictions] == [1, 2, 3]
    assert set(predictions[0]['pred_instances']['masks'][0]) == {
        'size',
        'counts',
    }
    assert len(list(work_dir.glob('*/pictures/*.png'))) == 3


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_report_with_pictures_goes_where_it_is_asked_to(
    main, tiny_config, checkpoint, tmp_path, capsys
):
    folder, work_dir = tmp_path / 'reports', tmp_path / 'work'
    metrics = main(
        [str(tiny_config), str(checkpoint), '--report', str(folder)]
        + ['--work-dir', str(work_dir), '--cfg-options']
        # Untrained, the model is sure of nothing.
        + ['test_evaluator.cell_scores.score_thr=0.01']
    )
    report = json.loads((folder / 'report.json').read_text())
    assert report['metrics']['coco/bbox_mAP'] == metrics['coco/bbox_mAP']
    assert [row['cells'] for row in report['images']] == [3, 3, 3]
    assert [row['detections'] for row in report['images']] == [5, 5, 5]
    assert report['error_kinds']['score_thr'] == 0.01
    assert report['notes'] == []
    assert not (work_dir / 'report.json').exists()
    assert names_in(folder) == {
        'report.csv',
        'report.html',
        'report.json',
        'report.md',
        'plots',
        'overlays',
    }
    assert len(names_in(folder / 'overlays')) == 3
    page = (folder / 'report.html').read_text()
    assert page.count('src="data:image/png;base64,') == 5 + 3
    assert str(folder / 'report.html') in capsys.readouterr().out


def test_flag_without_a_folder_puts_pictures_into_the_work_dir(
    main, tiny_config, checkpoint, tmp_path
):
    work_dir = tmp_path / 'work'
    main(
        [str(tiny_config), '--checkpoint', str(checkpoint), '--report']
        + ['--work-dir', str(work_dir)]
    )
    assert {'report.html', 'report.csv', 'plots'} <= names_in(work_dir)


def test_other_metrics_have_their_report_and_a_note(
    main, tiny_config, checkpoint, tmp_path, capsys
):
    folder = tmp_path / 'reports'
    metrics = main(
        [str(tiny_config), str(checkpoint), '--report', str(folder)]
        + ['--work-dir', str(tmp_path / 'work'), '--cfg-options']
        + ['test_evaluator.type=CocoMetric']
    )
    assert names_in(folder) == {'report.html', 'report.json', 'report.md'}
    report = json.loads((folder / 'report.json').read_text())
    assert report['metrics']['coco/segm_mAP'] == metrics['coco/segm_mAP']
    assert 'CocoMetric does not keep' in report['notes'][0]
    written = capsys.readouterr().out
    assert 'Note: No plots' in written
    assert '| segm |' in written


def test_no_report_writes_none(main, tiny_config, checkpoint, tmp_path):
    main(
        [str(tiny_config), str(checkpoint), '--no-report']
        + ['--work-dir', str(tmp_path / 'work')]
    )
    assert not list((tmp_path / 'work').glob('report.*'))


def test_resume_in_the_config_does_not_matter(
    main, tiny_config, checkpoint, tmp_path
):
    metrics = main(
        [str(tiny_config), str(checkpoint), '--work-dir', str(tmp_path)]
        + ['--cfg-options', 'resume=True']
    )
    assert metrics['coco/num_images'] == 3


def test_tta_merges_boxes_when_the_mask_head_is_left_out(
    main, tiny_config, checkpoint, tmp_path
):
    metrics = main(
        [str(tiny_config), str(checkpoint), '--work-dir', str(tmp_path)]
        + ['--tta', '--cfg-options', 'model.roi_head.mask_head=None']
        + ['test_evaluator.metric=bbox', 'test_evaluator.max_dets=50']
    )
    assert metrics['coco/num_detections'] <= 3 * 5
    assert metrics['coco/bbox_AR'] >= 0


def test_tta_with_masks_is_one_line(
    main, tiny_config, checkpoint, tmp_path, capsys
):
    arguments = [tiny_config, checkpoint, '--work-dir', tmp_path, '--tta']
    written = fails_with(capsys, main, arguments)
    assert 'error: --tta merges boxes only' in written


def test_missing_checkpoint_is_one_line(main, tiny_config, tmp_path, capsys):
    arguments = [tiny_config, tmp_path / 'none.pth', '--work-dir', tmp_path]
    assert 'none.pth' in fails_with(capsys, main, arguments)


def test_file_that_is_no_checkpoint_is_one_line(
    main, tiny_config, tmp_path, capsys
):
    arguments = [tiny_config, tiny_config, '--work-dir', tmp_path]
    written = fails_with(capsys, main, arguments)
    assert written.startswith('error: ')
    assert str(tiny_config) in written


def test_missing_annotation_file_of_the_evaluator_is_one_line(
    main, tiny_config, checkpoint, tmp_path, capsys
):
    arguments = [tiny_config, checkpoint, '--work-dir', tmp_path / 'work']
    options = ['--cfg-options', 'test_evaluator.ann_file=gone.json']
    written = fails_with(capsys, main, [*arguments, *options])
    assert 'gone.json' in written


@pytest.mark.parametrize(
    'arguments',
    [
        ['config.py'],
        ['config.py', 'a.pth', '--checkpoint', 'b.pth'],
        ['config.py', 'a.pth', '--out', 'predictions.json'],
    ],
)
def test_flags_that_contradict_are_refused(main, capsys, arguments):
    assert 'usage:' in fails_with(capsys, main, arguments)
