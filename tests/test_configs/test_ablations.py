"""What ablations change, and that the small ones change the same."""

import ast
from pathlib import Path

import pytest

from tests.test_configs.config_differences import changed_parts, differences
from tests.test_configs.conftest import CONFIGS, PATHS

FULL = CONFIGS / 'ablations'
MINI = FULL / 'mini'
# Of other widths at mini scale, and with other starting weights.
RESIZED = ('convnext-t', 'mask-rcnn', 'rtmdet-ins', 'swin-t')
CHANGES = {
    'convnext-t': {'model.backbone', 'model.moco', 'model.neck'},
    'densecl': {'model.moco'},
    'fpn-projector': {'model.contrast_on', 'model.moco'},
    'frozen-bn': {'model.backbone'},
    'mask-rcnn': {'model.roi_head', 'model.train_cfg', 'model.type'},
    'moco-v1-head': {'model.moco'},
    'no-warmup': {'load_from'},
    'order-swapped': {'train_cfg.schedule'},
    'queue-1024': {'model.moco'},
    'queue-16384': {'model.moco'},
    'queue-256': {'model.moco'},
    'queue-64': {'model.moco'},
    'ratio-2to1': {'train_cfg.schedule'},
    'separate-bn': {'model.moco'},
    'separate-bn-affine': {'model.moco'},
    'simsiam': {'model.moco'},
    'summed-loss': {'train_cfg.schedule'},
    'swin-t': {'model.backbone', 'model.moco', 'model.neck'},
}


def name_of(path: Path) -> str:
    return path.stem.removeprefix('amt2_').removesuffix('_mini')


ABLATIONS = [
    path
    for path in PATHS
    if path.parent in (FULL, MINI) and path.stem.startswith('amt2_')
]
each = pytest.mark.parametrize('path', ABLATIONS, ids=lambda path: path.stem)


def base_of(path: Path, configs):
    mini = CONFIGS / 'mini/amt2_mini.py'
    return configs[mini if path.parent == MINI else CONFIGS / 'amt2.py']


@each
def test_changes_one_thing(path, configs):
    changed = changed_parts(configs[path], base_of(path, configs))
    # Lists of schedules are compared item by item.
    changed = {
        part.split('.')[0] if part.startswith('param_sch') else part
        for part in changed
    }
    name = name_of(path)
    expected = CHANGES.get(name)
    if name in RESIZED:
        changed.discard('load_from')
        if path.parent == FULL:
            # Transformers and their like are trained by AdamW.
            changed -= {'param_scheduler'}
            changed = {c for c in changed if not c.startswith('optim_')}
    if expected is not None:
        assert changed == expected
    else:
        assert changed


@pytest.mark.parametrize(
    'path',
    [p for p in ABLATIONS if p.parent == FULL and name_of(p) not in RESIZED],
    ids=lambda path: path.stem,
)
def test_same_change_at_both_scales(path):
    small = MINI / f'{path.stem}_mini.py'
    # These are of the data, of one scale, or have a small file elsewhere.
    if not small.is_file():
        assert name_of(path) in {
            'no-normalization',
            'queue-1024',
            'queue-16384',
            'watch-forgetting',
        }
        return
    bodies = []
    for one in (path, small):
        statements = ast.parse(one.read_text()).body
        assert statements[0].targets[0].id == '_base_'
        bodies.append([ast.unparse(each) for each in statements[1:]])
    name = name_of(path)
    if name == 'one-source':
        assert bodies[0] == [
            text.replace('bccd', 'livecell') for text in bodies[1]
        ]
    elif name.startswith('moco-lr'):
        # AMT2's rates at full size end at a number, which is relative here.
        assert bodies[0][:1] == bodies[1]
    else:
        assert bodies[0] == bodies[1]


@pytest.mark.parametrize('folder', [FULL, MINI], ids=['full', 'mini'])
def test_as_many_detection_steps_at_every_ratio(folder, configs):
    suffix = '_mini' if folder == MINI else ''
    counts, ends = set(), set()
    for name in ('order-swapped', 'ratio-2to1', 'ratio-1to4'):
        config = configs[folder / f'amt2_{name}{suffix}.py']
        each = config.train_cfg.schedule.count('det')
        counts.add(each * config.train_cfg.max_iters)
        rounded = {
            part.end * each - part.end * each % 4
            for part in config.param_scheduler
        }
        ends.add(tuple(sorted(rounded)))
    assert len(counts) == len(ends) == 1


def test_rate_of_contrast_keeps_its_share_to_the_end(named):
    for percent in (10, 30):
        config = named[f'amt2_moco-lr-{percent}pct']
        rates = {
            task: config.optim_wrapper[task].optimizer.lr
            for task in ('moco', 'det')
        }
        assert rates['det'] == 0.02
        assert rates['moco'] == pytest.approx(percent / 100 * 0.02)
        last = config.param_scheduler[-1]
        base = named['amt2'].param_scheduler[-1]
        assert last.eta_min_ratio * rates['det'] == pytest.approx(base.eta_min)
        assert 'eta_min' not in last


def test_one_source_changes_the_sources_of_a_shorter_queue(named):
    for name, source, queue in (
        ('amt2_one-source', 'livecell', 'amt2_queue-1024'),
        ('amt2_one-source_mini', 'bccd', 'amt2_queue-64_mini'),
    ):
        sources = named[name].train_dataloader.moco.dataset.sources
        assert [one['name'] for one in sources] == [source]
        changed = differences(named[name], named[queue])
        prefix = 'train_dataloader.moco.dataset.sources.'
        assert all(part.startswith(prefix) for part in changed)


@pytest.mark.parametrize('name', RESIZED)
def test_finetuning_has_the_pretrained_architecture(named, name):
    for pretrained, tuned in (
        (f'amt2_{name}', f'finetune_{name}_bbbc038_5pct'),
        (f'amt2_{name}_mini', f'finetune_{name}_mini'),
    ):
        one, other = named[pretrained].model, named[tuned].model
        assert one.type == f'cupre_mm.AMT2{other.type}'
        for part in ('neck', 'backbone'):
            expected = {**one[part]}
            given = {**other[part]}
            assert given == expected
        stem = 'mini/' if tuned.endswith('_mini') else ''
        assert f'work_dirs/{stem}{pretrained}/' in named[tuned].load_from


def test_nothing_is_downloaded_to_build_a_model(configs):
    for path in ABLATIONS:
        text = str(configs[path].model.to_dict())
        assert 'Pretrained' not in text
        assert '://' not in text
