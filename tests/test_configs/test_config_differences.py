"""Fair comparisons: arms, shares and ablations differ in one thing."""

import pytest

from tests.test_configs.config_differences import (
    changed_parts,
    differences,
)
from tests.test_configs.conftest import ARMS, finetuning

PERCENT = (5, 10, 20, 50, 100)


@pytest.mark.parametrize('data', ['livecell', 'bbbc038'])
@pytest.mark.parametrize('percent', PERCENT)
def test_arms_differ_in_their_starting_weights_alone(named, data, percent):
    scratch = named[finetuning('scratch', percent, data)]
    assert scratch.load_from is None
    starts = {None}
    for arm in ARMS[1:]:
        config = named[finetuning(arm, percent, data)]
        assert differences(scratch, config) == {'load_from'}
        starts.add(config.load_from)
    assert len(starts) == len(ARMS)


@pytest.mark.parametrize('data', ['livecell', 'bbbc038'])
@pytest.mark.parametrize('arm', ARMS)
def test_shares_of_labels_differ_in_the_annotation_file_alone(
    named, data, arm
):
    whole = named[finetuning(arm, 100, data)]
    for percent in PERCENT:
        config = named[finetuning(arm, percent, data)]
        dataset = config.train_dataloader.dataset
        assert dataset.ann_file == f'annotations/seed0/train_{percent}.json'
        assert differences(whole, config) <= {
            'train_dataloader.dataset.ann_file'
        }


@pytest.mark.parametrize(
    'arm', ['finetune_amt2_mini', 'finetune_coco_mini', 'finetune_moco_mini']
)
def test_mini_arms_differ_in_their_starting_weights_alone(named, arm):
    scratch = named['finetune_scratch_mini']
    assert differences(scratch, named[arm]) == {'load_from'}


def test_demo_arms_differ_in_their_starting_weights_alone(named):
    scratch, amt2 = (
        named[f'finetune_{arm}_demo'] for arm in ('scratch', 'amt2')
    )
    assert differences(scratch, amt2) == {'load_from'}


@pytest.mark.parametrize(
    ('base', 'name', 'parts'),
    [
        (
            'amt2',
            'coco_cascade-mask-rcnn_r50_fpn_90k',
            {'train_cfg.schedule', 'train_dataloader.moco'},
        ),
        (
            'amt2',
            'moco_cascade-mask-rcnn_r50_fpn_90k',
            {
                'train_cfg.schedule',
                'train_dataloader.det',
                'load_from',
                # Without detection the contrastive batch is scaled by.
                'auto_scale_lr.base_batch_size',
            },
        ),
        (
            'amt2_mini',
            'coco_mini',
            {'train_cfg.schedule', 'train_dataloader.moco'},
        ),
        (
            'amt2_mini',
            'moco_mini',
            {'train_cfg.schedule', 'train_dataloader.det', 'load_from'},
        ),
        ('amt2_mini', 'amt2_in-domain_mini', {'train_dataloader.moco'}),
        (
            'amt2_two-optimizers_mini',
            'amt2_tuned_mini',
            {'train_dataloader.moco'},
        ),
        (
            'amt2_tuned_mini',
            'amt2_tuned_in-domain_mini',
            {'train_dataloader.moco'},
        ),
        (
            'amt2_tuned_mini',
            'amt2_tuned-fpn_mini',
            {'train_dataloader.moco', 'model.moco', 'model.contrast_on'},
        ),
        (
            'amt2_tuned-fpn_mini',
            'amt2_tuned-fpn_in-domain_mini',
            {'train_dataloader.moco'},
        ),
        (
            'amt2_tuned_mini',
            'moco_tuned_mini',
            {'train_cfg.schedule', 'train_dataloader.det', 'load_from'},
        ),
        (
            'moco_tuned_mini',
            'moco_tuned_in-domain_mini',
            {'train_dataloader.moco'},
        ),
        ('amt2', 'amt2_order-swapped', {'train_cfg.schedule'}),
        ('amt2', 'amt2_summed-loss', {'train_cfg.schedule'}),
        ('amt2', 'amt2_no-warmup', {'load_from'}),
        ('amt2', 'amt2_moco-v1-head', {'model.moco'}),
        ('amt2', 'amt2_frozen-bn', {'model.backbone'}),
        ('amt2', 'amt2_no-normalization', {'train_dataloader.moco'}),
    ],
)
def test_variant_changes_one_thing(named, base, name, parts):
    assert changed_parts(named[base], named[name]) == parts


@pytest.mark.parametrize('scale', ['', '_mini', '_demo'])
def test_watching_forgetting_adds_a_validation_and_nothing_else(named, scale):
    watching = named[f'amt2_watch-forgetting{scale}']
    changed = changed_parts(named[f'amt2{scale}'], watching)
    assert {name.partition('.')[0] for name in changed} == {
        'train_cfg',
        'val_cfg',
        'val_dataloader',
        'val_evaluator',
    }
    assert {n for n in changed if n.startswith('train')} == {
        'train_cfg.val_interval'
    }


def test_two_optimizers_are_the_one_of_amt2_twice(named):
    two = named['amt2_two-optimizers']
    assert changed_parts(named['amt2'], two) <= {
        f'optim_wrapper.{name}'
        for name in ('type', 'optimizer', 'clip_grad')
        + ('constructor', 'moco', 'det')
    }
    for task in ('moco', 'det'):
        assert two.optim_wrapper[task] == named['amt2'].optim_wrapper
