"""Child registries of mmengine's roots, scope ``cupre_mm``.

``locations`` name the sub-packages that register components, so that the
first ``type='cupre_mm.X'`` in a config imports them and no
``custom_imports`` is needed.
"""

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import (
    OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
)
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import Registry


def _child(name: str, parent: Registry, location: str) -> Registry:
    return Registry(
        name, parent=parent, scope='cupre_mm', locations=[location]
    )


LOOPS = _child('loop', MMENGINE_LOOPS, 'cupre_mm.engine')
HOOKS = _child('hook', MMENGINE_HOOKS, 'cupre_mm.engine')
OPTIM_WRAPPERS = _child(
    'optim wrapper', MMENGINE_OPTIM_WRAPPERS, 'cupre_mm.engine'
)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optim wrapper constructor',
    MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    'cupre_mm.engine',
)
DATASETS = _child('dataset', MMENGINE_DATASETS, 'cupre_mm.datasets')
DATA_SAMPLERS = _child(
    'data sampler', MMENGINE_DATA_SAMPLERS, 'cupre_mm.datasets'
)
TRANSFORMS = _child('transform', MMENGINE_TRANSFORMS, 'cupre_mm.datasets')
# mmengine has no registry for data loaders: a config of its Runner names the
# parts of a torch DataLoader. The dual loader is a type of its own.
DATALOADERS = Registry(
    'data loader', scope='cupre_mm', locations=['cupre_mm.datasets']
)
MODELS = _child('model', MMENGINE_MODELS, 'cupre_mm.models')
TASK_UTILS = _child('task util', MMENGINE_TASK_UTILS, 'cupre_mm.models')
METRICS = _child('metric', MMENGINE_METRICS, 'cupre_mm.evaluation')
VISUALIZERS = _child('visualizer', MMENGINE_VISUALIZERS, 'cupre_mm.evaluation')
