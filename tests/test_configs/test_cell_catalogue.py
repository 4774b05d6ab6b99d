"""The catalogue of public cell images, its table, and who takes from it."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict

from cupre_mm.datasets.cell_images import parse_sources
from tests.test_configs.conftest import CONFIGS

README = CONFIGS.parent / 'data/README.md'
ABOUT = ('modality', 'images', 'url', 'licence', 'layout')
EXTERNAL_VALIDATION = re.compile('bbbc038|dsb|data.?science.?bowl', re.I)


@pytest.fixture(scope='module')
def catalogue() -> ConfigDict:
    path = CONFIGS / '_base_/datasets/cell_catalogue.py'
    return Config.fromfile(path).cell_catalogue


def readme_section() -> str:
    _, _, text = README.read_text().partition('\n## Unlabelled cell sources')
    return text.partition('\n## ')[0]


def readme_rows() -> dict[str, tuple[str, ...]]:
    """Name of each source in the table to its other cells."""
    rows = re.findall(r'^\| `(\w+)` \| (.*) \|$', readme_section(), re.M)
    return {name: tuple(rest.split(' | ')) for name, rest in rows}


def test_more_than_nine_public_sets_each_with_all_that_is_asked(catalogue):
    assert len(catalogue) >= 15
    for name, source in catalogue.items():
        assert source.name == name
        # The LIVECell converter lists the training images beside them.
        assert source.paths in (f'cells/{name}', f'{name}/{name}_train.txt')
        assert set(ABOUT) <= set(source.about)
        for key in ABOUT:
            assert source.about[key].strip()
        assert re.fullmatch(r'https?://\S+', source.about.url)


@pytest.mark.parametrize(
    'name',
    [
        *('livecell', 'evican', 'cellpose', 'omnipose', 'nuinsseg', 'bccd'),
        *('yeaz', 'bbbc005', 'bbbc006', 'bbbc007', 'bbbc020', 'bbbc039'),
        *('s_bsst265', 'monuseg', 'ctc_phc_u373', 'ctc_fluo_sim'),
    ],
)
def test_set_is_in_the_catalogue(catalogue, name):
    assert name in catalogue


def test_table_of_the_readme_is_the_catalogue(catalogue):
    rows = readme_rows()
    assert list(rows) == list(catalogue)
    for name, source in catalogue.items():
        about = source.about
        assert rows[name] == (
            about.modality,
            about.images,
            about.licence,
            f'<{about.url}>',
            about.layout,
        )


def command(name: str, about: Mapping) -> str:
    words = ['prepare', f'{name}=downloads/{about["folder"]}', 'data/cells']
    for pattern in about.get('exclude', []):
        words += ['--exclude', pattern]
    return shlex.join(words)


def test_readme_has_the_command_of_every_source(catalogue):
    given = [
        line
        for line in readme_section().splitlines()
        if line.startswith('prepare ')
    ]
    assert given == [
        command(name, source.about)
        for name, source in catalogue.items()
        # LIVECell is listed, by a tool of its own, from where it lies.
        if name != 'livecell'
    ]


def test_external_validation_is_not_in_it(catalogue):
    for name, source in catalogue.items():
        about = source.about
        for text in (name, source.paths, about.url, about.get('folder', '')):
            assert not EXTERNAL_VALIDATION.search(text)


def test_sets_that_hold_images_of_it_say_so_and_are_in_no_config(
    catalogue, configs
):
    risky = {
        name
        for name, source in catalogue.items()
        if EXTERNAL_VALIDATION.search(source.about.layout)
    }
    assert risky == {'bbbc039', 'neurips_cellseg'}
    for config in configs.values():
        loader = (config.train_dataloader or {}).get('moco')
        sources = loader.dataset.sources if loader else ()
        assert not risky & {source.name for source in sources}


def test_sources_of_the_configs_are_those_of_the_catalogue(catalogue, configs):
    used = set()
    for config in configs.values():
        loader = (config.train_dataloader or {}).get('moco')
        for source in loader.dataset.sources if loader else ():
            if source.name in catalogue:
                assert source == catalogue[source.name]
                used.add(source.name)
    assert len(used) == 12


def test_data_set_takes_every_entry_as_it_is(catalogue):
    parsed = parse_sources(list(catalogue.values()))
    assert [source.name for source in parsed] == list(catalogue)


def test_own_config_names_sources_by_the_catalogue(tmp_path: Path):
    child = tmp_path / 'my_sources.py'
    child.write_text(
        f"_base_ = '{(CONFIGS / 'amt2.py').as_posix()}'\n"
        'train_dataloader = dict(moco=dict(dataset=dict(sources=[\n'
        '    _base_.cell_catalogue.bbbc007,\n'
        "    dict(name='mine', paths='cells/mine'),\n"
        '])))\n'
    )
    dataset = Config.fromfile(child).train_dataloader.moco.dataset
    assert [source.name for source in dataset.sources] == ['bbbc007', 'mine']
    assert dataset.sources[0].about.licence == 'CC0'


def test_full_size_is_balanced_in_crops_of_its_pipeline(configs):
    moco = configs[CONFIGS / 'amt2.py'].train_dataloader.moco
    [crop] = [
        step.size
        for step in moco.dataset.pipeline
        if step.type == 'cupre_mm.RandomCellCrop'
    ]
    assert moco.sampler == dict(
        type='cupre_mm.SourceSampler',
        temperature=2.0,
        crop_size=crop,
        max_repeat=10.0,
    )


def test_small_runs_draw_in_proportion_as_their_figures_were_made(configs):
    for name in ('mini/amt2_mini.py', 'demo/amt2_demo.py'):
        sampler = configs[CONFIGS / name].train_dataloader.moco.sampler
        assert sampler == dict(
            type='cupre_mm.SourceSampler',
            temperature=1.0,
            crop_size=None,
            max_repeat=None,
        )


def test_what_was_trained_on_is_logged_and_batches_tell_their_source(
    configs,
):
    for name in ('amt2.py', 'mini/amt2_mini.py'):
        hooks = {hook.type for hook in configs[CONFIGS / name].custom_hooks}
        assert 'cupre_mm.SourceSharesHook' in hooks
    for config in configs.values():
        loader = (config.train_dataloader or {}).get('moco')
        if loader:
            assert 'source' in loader.dataset.pipeline[-1].meta_keys
