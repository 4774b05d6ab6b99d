"""The configs that a fine-tuning's own config inherits from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cupre_mm
from cupre_mm.utils.config_files import config_errors
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.no_exec import read_config

_MODELS = {
    'mini': 'mini_cells_cascade-mask-rcnn_r18_fpn.py',
    'full': 'cells_cascade-mask-rcnn_r50_fpn.py',
}
_LARGEST_MINI_DEPTH = 34


@dataclass(frozen=True)
class BaseConfig:
    """What is inherited.

    Attributes:
        files (tuple[Path, ...]): Files for ``_base_``.
        size (str): ``'mini'`` or ``'full'``, which budget and crops go by.
        values (dict[str, Any]): All values together.
    """

    files: tuple[Path, ...]
    size: str
    values: dict[str, Any]


def read_base(size: str, base_config: str | Path | None) -> BaseConfig:
    """Find and read what is inherited.

    Args:
        size (str): ``'mini'`` or ``'full'``.
        base_config (str | Path, optional): A config of the user's, with
            model and runtime. Defaults to None: those of this package.

    Returns:
        BaseConfig: The files and their values.

    Raises:
        MissingDataError: If a file does not exist.
        BadConfigError: If it cannot be read or has no model.
    """
    if base_config is None:
        folder = configs_folder() / '_base_'
        files = (folder / 'models' / _MODELS[size], folder / 'iter_runtime.py')
    else:
        files = (Path(base_config).absolute(),)
    values: dict[str, Any] = {}
    for file in files:
        if not file.is_file():
            raise MissingDataError(f'the base config {file} does not exist')
        with config_errors(file):
            values.update(read_config(str(file), False).to_dict())
    if not values.get('model'):
        raise BadConfigError(f'{files[0]} has no model to fine-tune')
    if base_config is not None:
        depth = (values['model'].get('backbone') or {}).get('depth', 50)
        size = 'mini' if depth <= _LARGEST_MINI_DEPTH else 'full'
    return BaseConfig(files, size, values)


def configs_folder() -> Path:
    """Find the configs of this package.

    Returns:
        Path: The folder ``configs`` of the checkout, or of the wheel.

    Raises:
        MissingDataError: If there is neither.
    """
    package = Path(cupre_mm.__file__).resolve().parent
    for folder in (package.parent / 'configs', package / '.mim' / 'configs'):
        if (folder / '_base_').is_dir():
            return folder
    raise MissingDataError(
        f'the configs of cupre_mm are neither beside {package} nor in it: '
        'install the package with them, or name your own --base-config'
    )
