"""Flags that change a config, on the configs that they meet."""

import pytest
from mmengine.config import Config

from cupre_mm.utils.cli import (
    add_load_report,
    check_data_files,
    enable_auto_scale_lr,
    exits_on_user_error,
)
from cupre_mm.utils.errors import BadConfigError, MissingDataError


@pytest.mark.parametrize('settings', [{}, {'auto_scale_lr': {}}])
def test_auto_scale_lr_needs_a_base(settings):
    with pytest.raises(BadConfigError, match='base_batch_size'):
        enable_auto_scale_lr(Config(settings))


def test_auto_scale_lr_needs_no_enable_in_the_config():
    config = Config({'auto_scale_lr': {'base_batch_size': 16}})
    enable_auto_scale_lr(config)
    assert config.auto_scale_lr.enable is True


@pytest.mark.parametrize('place', ['custom_hooks', 'default_hooks'])
def test_load_report_is_not_added_twice(place):
    hook = {'type': 'cupre_mm.CheckpointReportHook'}
    hooks = [hook] if place == 'custom_hooks' else {'report': hook}
    config = Config({place: hooks})
    add_load_report(config)
    assert config[place] == hooks
    assert len(config.get('custom_hooks', [])) == (place == 'custom_hooks')


def test_load_report_is_added_beside_other_hooks():
    config = Config({'custom_hooks': [{'type': 'EMAHook'}]})
    add_load_report(config)
    assert [hook.type for hook in config.custom_hooks] == [
        'EMAHook',
        'cupre_mm.CheckpointReportHook',
    ]


def test_data_files_are_found_through_wrappers_and_dual_loaders(tmp_path):
    inner = {
        'type': 'CocoDataset',
        'data_root': str(tmp_path),
        'ann_file': 'absent.json',
    }
    dataset = {'type': 'ConcatDataset', 'datasets': [inner]}
    config = Config({'train_dataloader': {'det': {'dataset': dataset}}})
    with pytest.raises(MissingDataError, match=r'absent\.json of train_data'):
        check_data_files(config, 'train_dataloader', 'val_dataloader')
    (tmp_path / 'absent.json').touch()
    check_data_files(config, 'train_dataloader', 'val_dataloader')


@pytest.mark.parametrize(
    'change',
    [{'type': 'cupre_mm.CellMetric'}, {'backend_args': {'backend': 'petrel'}}],
)
def test_data_files_that_others_check_are_left_to_them(change):
    part = {'type': 'CocoMetric', 'ann_file': 'absent.json', **change}
    check_data_files(Config({'val_evaluator': part}), 'val_evaluator')


def test_user_error_is_one_line_and_code_2(capsys):
    @exits_on_user_error
    def main() -> None:
        raise BadConfigError('do this')

    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err == 'error: do this\n'


def test_other_errors_pass():
    @exits_on_user_error
    def main() -> None:
        raise ValueError('deep inside')

    with pytest.raises(ValueError, match='deep inside'):
        main()
