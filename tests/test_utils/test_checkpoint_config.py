from pathlib import Path

import pytest
from mmengine.config import Config

from cupre_mm.utils.checkpoint_config import TrainingFacts, training_facts

ROOT = Path(__file__).resolve().parent.parent.parent


def test_data_of_training_alone_with_its_folders():
    config = Config(
        dict(
            model=dict(type='MaskRCNN', backbone=dict(type='ResNet')),
            data_root='data/',
            train_dataloader=dict(
                batch_size=2,
                det=dict(dataset=dict(ann_file='a.json')),
                other=dict(
                    data_root='/else/', dataset=dict(ann_file='b.json')
                ),
                moco=dict(
                    sources=[
                        dict(name='x', paths='cells/x'),
                        dict(name='y', paths=['cells/y', '/abs/z']),
                    ]
                ),
            ),
            val_dataloader=dict(dataset=dict(ann_file='val.json')),
            load_from='https://example.org/start.pth',
        )
    )
    assert training_facts(config.pretty_text) == TrainingFacts(
        'MaskRCNN',
        (
            *('data/a.json', 'data/cells/x', 'data/cells/y', '/abs/z'),
            '/else/b.json',
            'weights of https://example.org/start.pth',
        ),
    )


def test_a_real_config_of_pre_training():
    config = Config.fromfile(ROOT / 'configs' / 'demo' / 'amt2_demo.py')
    facts = training_facts(config.pretty_text)
    assert facts.model == 'cupre_mm.AMT2CascadeRCNN'
    assert any(one.endswith('instances_train.json') for one in facts.data)
    assert any(one.endswith('cells_unlabelled/phase') for one in facts.data)


@pytest.mark.parametrize('text', ['', 'model = (', 'model = 3', '\0'])
def test_what_is_no_config_tells_nothing(text):
    assert training_facts(text) == TrainingFacts()


def test_nothing_of_it_is_run(tmp_path):
    mark = tmp_path / 'mark'
    text = f"model = dict(type=open({str(mark)!r}, 'w'))\n"
    assert training_facts(text) == TrainingFacts()
    assert not mark.exists()
