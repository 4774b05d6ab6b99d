from dataclasses import replace

import pytest
from mmengine.config import Config

from cupre_mm.apis.folder_settings import (
    hash_checkpoint,
    hash_config,
    read_detector_config,
)
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.plane_selection import PlaneSelection
from tests.stub_segmenter import settings


@pytest.mark.parametrize(
    'changes',
    [
        {'config_hash': 'other'},
        {'checkpoint_hash': 'other'},
        {'options': SegmentationOptions(min_area=9)},
        {'selection': PlaneSelection(z='max')},
        {'series': 'split'},
        {'outputs': ('label',)},
        {'compress': True},
    ],
)
def test_what_changes_results_changes_the_fingerprint(changes):
    assert settings(**changes).fingerprint != settings().fingerprint


@pytest.mark.parametrize(
    'changes',
    [
        {'config': 'elsewhere/config.py'},
        {'checkpoint': 'elsewhere/weights.pth'},
        {'options': SegmentationOptions(batch_size=8)},
        {'outputs': ('csv', 'label')},
    ],
)
def test_what_changes_no_result_does_not(changes):
    given = settings()
    assert replace(given, **changes).fingerprint == given.fingerprint


def test_a_config_with_its_bases_and_options(tmp_path):
    (tmp_path / 'base.py').write_text('model = dict(a=1, b=2)')
    path = tmp_path / 'config.py'
    path.write_text("_base_ = 'base.py'\nmodel = dict(b=3)")
    config = read_detector_config(str(path), {'model.a': 5}, no_exec=False)
    assert config.model == dict(a=5, b=3)


@pytest.mark.parametrize(
    ('content', 'no_exec', 'kind'),
    [
        (None, False, MissingDataError),
        ('model = (', False, BadConfigError),
        ('model = dict()', True, BadConfigError),
    ],
)
def test_a_config_that_cannot_be_used(tmp_path, content, no_exec, kind):
    path = tmp_path / 'config.py'
    if content is not None:
        path.write_text(content)
    with pytest.raises(kind, match=r'config\.py'):
        read_detector_config(str(path), None, no_exec)


def test_a_config_is_known_by_what_it_says():
    one = Config({'model': {'a': 1, 'b': 2}})
    same = Config({'model': {'b': 2, 'a': 1}})
    other = Config({'model': {'a': 1, 'b': 3}})
    assert hash_config(one) == hash_config(same)
    assert hash_config(one) != hash_config(other)


def test_a_checkpoint_is_known_by_its_content(tmp_path):
    one, other = tmp_path / 'a.pth', tmp_path / 'b.pth'
    for path in (one, other):
        path.write_bytes(b'weights')
    assert hash_checkpoint(str(one)) == hash_checkpoint(str(other))
    other.write_bytes(b'others')
    assert hash_checkpoint(str(one)) != hash_checkpoint(str(other))
    with pytest.raises(MissingDataError, match='training wrote'):
        hash_checkpoint(str(tmp_path / 'c.pth'))
    url = 'https://example.org/a.pth'
    assert hash_checkpoint(url) != hash_checkpoint(url + 'x')
