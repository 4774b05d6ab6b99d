"""Every folder that the configs read, in small, made of the demo data."""

import functools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mmdet.datasets import CocoDataset
from mmengine.config import Config, utils
from mmengine.registry import init_default_scope

from cupre_mm.utils.few_shot import SplitRecipe, write_splits

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
PATHS = sorted(
    path
    for path in CONFIGS.rglob('*.py')
    # Those of benchmarks describe a grid of runs, not a run.
    if not {'_base_', 'benchmark'} & {*path.relative_to(CONFIGS).parts}
)
ARMS = ('scratch', 'coco', 'moco', 'amt2')
LOOKS = ('phase', 'fluorescence', 'stained')
SOURCES = (
    'evican',
    'cellpose',
    'omnipose',
    'yeaz',
    'bccd',
    'nuinsseg',
    's_bsst265',
    'bbbc006',
    'wbc1',
    'wbc2',
    'sbs_transfluor',
)


def finetuning(arm: str, percent: int, data: str) -> str:
    return f'{arm}_cascade-mask-rcnn_r50_fpn_{percent}pct_{data}'


def write_annotations(source: Path, target: Path, names: list[str]) -> None:
    """Copy a COCO json with other category names, and more of them."""
    coco = json.loads(source.read_text())
    coco['categories'] = [
        dict(id=number, name=name) for number, name in enumerate(names, 1)
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(coco))


@pytest.fixture(scope='session')
def data_root(demo_data, tmp_path_factory) -> Path:
    """A data root that every config can be built on; not to be changed."""
    root = tmp_path_factory.mktemp('data')
    shutil.copytree(demo_data, root / 'demo')
    natural, cells = root / 'demo/natural', root / 'demo/cells_labelled'
    coco_names = list(CocoDataset.METAINFO['classes'])
    for folder, images, suffix in (
        ('coco', 'train2017', '_train2017'),
        ('coco_mini', 'images', '_train'),
    ):
        shutil.copytree(natural / 'images', root / folder / images)
        write_annotations(
            natural / 'annotations/instances_train.json',
            root / folder / f'annotations/instances{suffix}.json',
            coco_names,
        )
    for folder, name, parts in (
        ('bbbc038', 'nucleus', ('instances',)),
        ('livecell', 'cell', ('livecell_coco_train',)),
    ):
        shutil.copytree(cells / 'images', root / folder / 'images')
        for part in parts:
            write_annotations(
                cells / 'annotations/instances.json',
                root / folder / f'annotations/{part}.json',
                [name],
            )
    annotations = root / 'livecell/annotations'
    content = json.loads(
        (annotations / 'livecell_coco_train.json').read_text()
    )
    for image in content['images']:
        # As LIVECell's converter writes it.
        image['cell_type'] = 'A172'
    for part in ('val', 'test'):
        path = annotations / f'livecell_coco_{part}.json'
        path.write_text(json.dumps(content))
    for folder, whole, test_fraction in (
        ('demo/cells_labelled', 'instances', 0.2),
        ('bbbc038', 'instances', 0.2),
        ('livecell', 'livecell_coco_train', 0.0),
    ):
        annotations = root / folder / 'annotations'
        write_splits(
            annotations / f'{whole}.json',
            annotations / 'seed0',
            SplitRecipe(test_fraction=test_fraction),
        )
    for number, source in enumerate(SOURCES):
        look = LOOKS[number % len(LOOKS)]
        shutil.copytree(
            root / 'demo/cells_unlabelled' / look, root / 'cells' / source
        )
    for folder, train_list in (
        ('bbbc038', 'cells/bbbc038_train.txt'),
        ('livecell', 'livecell/livecell_train.txt'),
    ):
        listed = sorted((root / folder / 'images').iterdir())
        (root / train_list).write_text(
            ''.join(f'{path.relative_to(root)}\n' for path in listed)
        )
    return root


@pytest.fixture(scope='session')
def configs(data_root) -> Iterator[dict[Path, Config]]:
    """Every config, parsed with that data root."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('CUPRE_DATA', str(data_root))
        for name in ('CUPRE_SPLITS', 'CUPRE_TRAIN_SPLIT'):
            patch.delenv(name, raising=False)
        # mmengine reads all of mmdet's model index for every 'mmdet::' base.
        patch.setattr(utils, 'load', functools.cache(utils.load))
        init_default_scope('mmdet')
        yield {path: Config.fromfile(path) for path in PATHS}


@pytest.fixture
def named(configs) -> dict[str, Config]:
    """Every config by its name."""
    return {path.stem: config for path, config in configs.items()}
