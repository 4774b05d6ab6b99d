import pytest

from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.own_labels.base_configs import configs_folder, read_base


@pytest.mark.parametrize(('size', 'depth'), [('mini', 18), ('full', 50)])
def test_models_of_this_package(size, depth):
    base = read_base(size, None)
    assert base.size == size
    assert base.values['model']['backbone']['depth'] == depth
    assert base.values['default_hooks']['safe_stop']


def test_own_base_config_tells_the_size_by_its_depth(tmp_path):
    config = tmp_path / 'mine.py'
    model = (
        configs_folder() / '_base_/models/mini_cascade-mask-rcnn_r18_fpn.py'
    )
    config.write_text(f'_base_ = {str(model)!r}\n')
    base = read_base('full', config)
    assert base.size == 'mini'
    assert base.files == (config,)


def test_base_config_without_a_model(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text('seed = 1\n')
    with pytest.raises(BadConfigError, match='no model'):
        read_base('mini', config)


def test_missing_base_config(tmp_path):
    with pytest.raises(MissingDataError, match=r'none\.py'):
        read_base('mini', tmp_path / 'none.py')
