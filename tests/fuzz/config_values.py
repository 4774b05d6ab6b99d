"""Values of configs, for our own registered types."""

import functools
import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

from cupre_mm.utils.errors import BadConfigError
from tests.fuzz.odd_values import ODD_NUMBERS, ODD_TEXTS, mutated
from tests.fuzz.targets import Target, from_json, to_json

_SIDE = 16
# Names of types choose what is built, and are not values of it.
_FIXED = ('type', 'projector', 'optimizer', 'pipeline', 'collate_fn')


def _images(**changes: Any) -> dict[str, Any]:
    return dict(
        type='cupre_mm.CellImages',
        sources=[
            dict(name='one', paths='one', weight=1.0, about={'licence': 'x'}),
            dict(name='two', paths=['two/*.png'], weight=2.5),
        ],
        data_root='.',
        extensions=['.png'],
        check_files=True,
        max_bad_share=0.5,
        **changes,
    )


def _loader(**changes: Any) -> dict[str, Any]:
    return dict(
        batch_size=2,
        num_workers=0,
        dataset=_images(serialize_data=False),
        **changes,
    )


# By registry: configs that work, for whose values odd ones are put.
_CONFIGS: dict[str, list[dict[str, Any]]] = {
    'TRANSFORMS': [
        dict(type='cupre_mm.LoadCellImage', t=0, z='max', channel=[0, 1]),
        dict(type='cupre_mm.PercentileNormalize', low=1.0, high=99.8),
        dict(type='cupre_mm.RandomCellCrop', size=[8, 8]),
        dict(
            type='cupre_mm.CellColorJitter',
            brightness=0.4,
            contrast=[0.6, 1.4],
            saturation=0.2,
            hue=0.1,
            backend='pillow',
        ),
    ],
    'DATASETS': [_images(), _images(lazy_init=True)],
    'DATA_SAMPLERS': [
        dict(
            type='cupre_mm.SourceSampler',
            shuffle=True,
            seed=3,
            temperature=2.0,
            crop_size=8,
            max_repeat=2.0,
        ),
        dict(type='cupre_mm.SourceSampler', weights={'one': 1.0, 'two': 2.0}),
    ],
    'METRICS': [
        dict(
            type='cupre_mm.CellMetric',
            metric=['bbox', 'segm'],
            max_dets=100,
            proposal_nums=[10, 50],
            metric_items=['mAP', 'AR'],
            size_bins={'tiny': [0, 50], 'rest': [50, None]},
            class_agnostic=False,
            cell_scores={'score_thr': 0.5, 'min_visible': 0.5},
            detector_limit=100,
            iou_thrs=[0.5, 0.75],
        ),
        dict(type='cupre_mm.CellMetric', preset='livecell', metric='bbox'),
        dict(type='cupre_mm.CellMetric', strata='cell_type', cell_scores={}),
    ],
    'HOOKS': [dict(type='cupre_mm.SourceSharesHook', interval=10)],
    'MODELS': [
        dict(type='cupre_mm.MoCoLoss', temperature=0.2, loss_weight=1.0),
        dict(type='cupre_mm.KeyQueue', length=8, dim=4),
        dict(
            type='cupre_mm.MoCoNeck',
            stages=[-1],
            projector=dict(
                type='mmpretrain.MoCoV2Neck',
                in_channels=8,
                hid_channels=8,
                out_channels=4,
            ),
        ),
    ],
    'LOOPS': [
        dict(
            type='cupre_mm.AMT2TrainLoop',
            max_iters=3,
            schedule=['moco', 'det'],
            warmup_iters=1,
            warmup_schedule=['det'],
            dataloader=dict(
                type='cupre_mm.DualDataLoader',
                moco=_loader(sampler=dict(type='cupre_mm.SourceSampler')),
                det=_loader(sampler=dict(type='InfiniteSampler')),
            ),
        )
    ],
    'OPTIM_WRAPPER_CONSTRUCTORS': [
        dict(
            type='cupre_mm.TaskOptimWrapperConstructor',
            optim_wrapper_cfg=dict(moco=dict(), det=dict()),
        )
    ],
}


def _odd() -> st.SearchStrategy[Any]:
    # No number so large that a valid value is a long wait.
    numbers = st.sampled_from([n for n in ODD_NUMBERS if n in range(9)])
    others = (
        -1,
        0.5,
        1e-320,
        1e308,
        10**400,
        float('inf'),
        float('nan'),
        True,
        None,
        'moco+det',
        'moco+',
        [],
        [[]],
        [1, 2],
        ['a', None],
        {},
        {'a': 1},
        {'type': 'no.Such'},
    )
    texts = ('auto', 'max', 'inf', 'bbox', *ODD_TEXTS)
    return st.one_of(numbers, st.sampled_from(others), st.sampled_from(texts))


def _cases(registry: str) -> st.SearchStrategy[bytes]:
    return st.one_of(
        *(
            mutated(config, fixed=_FIXED, odd=_odd())
            for config in _CONFIGS[registry]
        )
    ).map(to_json)


@functools.cache
def _folder(folder: Path) -> Path:
    root = folder / 'cells'
    pixels = np.arange(_SIDE * _SIDE, dtype=np.uint8).reshape(_SIDE, _SIDE)
    for source in ('one', 'two'):
        (root / source).mkdir(parents=True)
        for number in range(3):
            cv2.imwrite(str(root / source / f'{number}.png'), pixels)
    return root


def _in_place(config: Any, root: Path) -> Any:
    """The config with the folder of the images, which no case names."""
    if isinstance(config, list):
        return [_in_place(one, root) for one in config]
    if not isinstance(config, dict):
        return config
    placed = {key: _in_place(value, root) for key, value in config.items()}
    if placed.get('data_root') == '.':
        placed['data_root'] = str(root)
    return placed


def _build(registry: str, data: bytes, folder: Path) -> None:
    config = _in_place(from_json(data), _folder(folder))
    if not isinstance(config, dict) or 'type' not in config:
        # The case replaced the whole: mmengine's own matter.
        return
    from mmengine.registry import init_default_scope

    init_default_scope('mmdet')
    if registry == 'LOOPS':
        _build_loop(config)
        return
    registries = importlib.import_module('cupre_mm.registry')
    _require_names(config, registry)
    defaults: dict[str, Any] = {}
    if registry == 'DATA_SAMPLERS':
        defaults['dataset'] = _dataset(_folder(folder))
    built = getattr(registries, registry).build(config, default_args=defaults)
    _use(registry, built)


def _require_names(config: dict, registry: str) -> None:
    """Refuse arguments that do not exist, as Python does."""
    known = {
        key
        for one in _CONFIGS[registry]
        if one['type'] == config['type']
        for key in one
    }
    if not set(config) <= known:
        raise BadConfigError(f'no such arguments: {set(config) - known}')
    needed = {'CellImages': 'sources', 'RandomCellCrop': 'size'}
    needed['TaskOptimWrapperConstructor'] = 'optim_wrapper_cfg'
    needed['MoCoNeck'] = 'projector'
    name = needed.get(config['type'].rpartition('.')[2])
    if name is not None and name not in config:
        raise BadConfigError(f'no argument {name}')


@functools.cache
def _dataset(root: Path) -> Any:
    from cupre_mm.datasets import CellImages

    return CellImages({'one': 'one', 'two': 'two'}, data_root=str(root))


def _use(registry: str, built: Any) -> None:
    import torch

    if registry == 'TRANSFORMS' and type(built).__name__ != 'LoadCellImage':
        pixels = np.arange(3 * _SIDE * _SIDE) % 251
        image = pixels.reshape(_SIDE, _SIDE, 3).astype(np.uint8)
        built.transform(dict(img=image, img_shape=image.shape[:2]))
    elif registry == 'DATASETS':
        built.full_init()
        built[0]
    elif registry == 'DATA_SAMPLERS':
        drawn = iter(built)
        [next(drawn) for _ in range(5)]
    elif type(built).__name__ == 'KeyQueue':
        built.enqueue(torch.rand(3, built.dim))
    elif type(built).__name__ == 'MoCoLoss':
        q = torch.eye(2, 4)
        built(q, q, torch.rand(4, 8))
    elif type(built).__name__ == 'MoCoNeck':
        built((torch.rand(2, 8, 4, 4),))


def _build_loop(config: dict) -> None:
    from cupre_mm.registry import LOOPS

    if 'dataloader' not in config or 'max_iters' not in config:
        return
    allowed = set(_CONFIGS['LOOPS'][0])
    if not set(config) <= allowed:
        return
    runner = SimpleNamespace(
        seed=0,
        _randomness_cfg={},
        visualizer=SimpleNamespace(dataset_meta=None),
        model=SimpleNamespace(),
        work_dir='.',
        logger=None,
    )
    loop = LOOPS.build(config, default_args=dict(runner=runner))
    next(iter(loop.dataloader))


TARGETS = tuple(
    Target(
        f'config_{name.lower()}',
        '.json',
        _cases(name),
        functools.partial(_build, name),
    )
    for name in _CONFIGS
)
