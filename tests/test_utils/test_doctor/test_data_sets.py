"""The doctor's table of data against the configs and data/README.md."""

import re

import pytest
from mmengine.config import Config

from cupre_mm.utils.doctor.data_sets import (
    FULL_SOURCES,
    MINI_SOURCES,
    PREPARE,
    SETS,
    SPLITS,
    prepare_command,
)
from tests.checkout import ROOT

CONFIGS = ROOT / 'configs'
README = (ROOT / 'data' / 'README.md').read_text()
# The README breaks long commands.
COMMANDS = re.sub(r'\s*\\\n\s*', ' ', README)


def named_paths(node, root=''):
    """Yield each annotation file of a config with its data root."""
    if isinstance(node, dict):
        root = node.get('data_root') or root
        if isinstance(node.get('ann_file'), str):
            path = node['ann_file']
            yield path if path.startswith('data/') else root + path
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for value in node:
            yield from named_paths(value, root)


@pytest.mark.parametrize(
    'config',
    [
        'amt2.py',
        'demo/amt2_demo.py',
        'demo/finetune_scratch_demo.py',
        'mini/finetune_scratch_mini.py',
        'mini/amt2_mini.py',
        'finetune/bbbc038/coco_cascade-mask-rcnn_r50_fpn_5pct_bbbc038.py',
        'finetune/livecell/coco_cascade-mask-rcnn_r50_fpn_5pct_livecell.py',
    ],
)
def test_annotation_files_of_a_config_are_in_the_table(config, monkeypatch):
    for name in ('CUPRE_DATA', 'CUPRE_SPLITS', 'CUPRE_TRAIN_SPLIT'):
        monkeypatch.delenv(name, raising=False)
    loaded = Config.fromfile(CONFIGS / config).to_dict()
    parts = [
        loaded.get(f'{part}_{kind}')
        for part in ('train', 'val', 'test')
        for kind in ('dataloader', 'evaluator')
    ]
    wanted = {path.replace('//', '/') for path in named_paths(parts)}
    known = {
        f'data/{one.folder}/{file.format(splits=SPLITS)}'
        for one in SETS
        for file in one.files
    }
    assert wanted
    assert wanted <= known


@pytest.mark.parametrize(
    ('config', 'sources'),
    [('amt2.py', FULL_SOURCES), ('mini/amt2_mini.py', MINI_SOURCES)],
)
def test_unlabelled_sources_of_a_config_are_in_the_table(config, sources):
    dataset = Config.fromfile(CONFIGS / config).train_dataloader.moco.dataset
    folders = [source['paths'] for source in dataset.sources]
    below = [
        path.removeprefix('cells/')
        for path in folders
        if path.startswith('cells/')
    ]
    assert tuple(below) == sources
    others = set(folders) - {f'cells/{name}' for name in below}
    assert others <= {
        f'{one.folder}/{file}' for one in SETS for file in one.files
    }


@pytest.mark.parametrize('source', list(PREPARE))
def test_command_of_a_source_is_the_readmes(source):
    command = prepare_command(source).format(data='data', tools='tools')
    line = command.partition('prepare_cells.py ')[2]
    assert f'prepare {line}\n' in README


def test_commands_of_the_sets_are_the_readmes():
    # One loop of the README unpacks the three archives of COCO, and the demo
    # set needs no download.
    for one in SETS:
        if one.folder in ('coco', 'demo'):
            continue
        for command in one.make:
            line = command.format(data='data', tools='tools')
            assert line in COMMANDS
    loop = 'for archive in train2017 val2017 annotations_trainval2017; do'
    assert loop in README
