import json

import pytest

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.model_card import (
    CardFacts,
    find_licences,
    read_report,
    sha256_of,
    write_card,
)


def card_of(**changes):
    facts = dict(
        title='my_model',
        kind='CascadeRCNN',
        config='config.py',
        checkpoint='weights.pth',
        checkpoint_sha256='ab' * 32,
        files={'model.pt': sha256_of(b'content')},
        classes=('nucleus',),
        data=('data/bbbc038/train.json',),
        versions={'torch': '2.11.0'},
        how_to_load='load()',
    )
    return write_card(CardFacts(**{**facts, **changes}))


def test_card_tells_use_limits_origin_and_how_to_load():
    card = card_of(notes=('A note.',))
    for part in (
        '# my_model',
        'nucleus',
        '## Use',
        '## Limits',
        '```python\nload()\n```',
        'ab' * 32,
        sha256_of(b'content'),
        '`2.11.0`',
        'A note.',
    ):
        assert part in card


def test_licences_are_those_of_the_data():
    card = card_of(data=('data/livecell/a.json', 'data/coco_mini/b.json'))
    assert 'NON-COMMERCIAL' in card
    assert 'COCO' in card
    assert 'CC BY 4.0' in card
    assert 'BBBC038' not in card
    assert 'NON-COMMERCIAL' not in card_of()
    assert 'CC0' in card_of()


def test_unknown_data_is_named_as_unknown():
    card = card_of(data=('my/images.json',))
    assert '| `my/images.json` | not known to this tool' in card
    known, unknown = find_licences(['x/livecell/1', 'livecell/2', 'y', 'y'])
    assert [one.name for one in known] == ['LIVECell']
    assert unknown == ['y']


def test_no_data_asks_to_be_filled_in():
    assert 'fill this in' in card_of(data=())


def test_metrics_come_from_the_report():
    report = dict(
        metrics={'coco/segm_mAP': 0.25, 'coco/bbox_mAP_l': -1.0},
        ann_files=['test.json'],
        checkpoint_sha256='ab' * 32,
    )
    card = card_of(report=report)
    assert '| segm_mAP | 0.2500 |' in card
    assert 'bbox_mAP_l' not in card
    assert 'Measured on test.json.' in card
    assert 'another checkpoint' not in card
    assert 'Not measured' in card_of()


def test_report_of_another_checkpoint_is_told():
    report = dict(metrics={'a': 1.0}, checkpoint_sha256='cd' * 32)
    assert 'another checkpoint' in card_of(report=report)


@pytest.mark.parametrize('content', ['{', '[]', '{"metrics": 3}'])
def test_file_that_is_no_report_is_refused(tmp_path, content):
    path = tmp_path / 'report.json'
    path.write_text(content)
    with pytest.raises(BadDataError, match=r'report\.json'):
        read_report(path)


def test_missing_report_is_refused(tmp_path):
    with pytest.raises(MissingDataError, match='does not exist'):
        read_report(tmp_path / 'report.json')
    path = tmp_path / 'report.json'
    path.write_text(json.dumps(dict(metrics={})))
    assert read_report(path) == {'metrics': {}}
