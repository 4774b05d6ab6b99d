"""All that decides what a run over folders writes."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

import cupre_mm
from cupre_mm.apis.run_journal import sha256_of
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.config_files import config_errors, merge_options
from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.no_exec import check_config, read_config
from cupre_mm.utils.plane_selection import PlaneSelection

# How many images go through the network at once changes no result.
_IDLE = ('batch_size',)


@dataclass(frozen=True)
class FolderSettings:
    """What results depend on, besides the images.

    Attributes:
        config (str): The config file.
        config_hash (str): SHA-256 of its content, bases and options applied.
        checkpoint (str): The weights: a file or a URL.
        checkpoint_hash (str): SHA-256 of the file, or of the URL.
        options (SegmentationOptions): See there.
        selection (PlaneSelection): What to make of stacks.
        series (int | str): Which image series of a file, or ``'split'``.
        outputs (tuple[str, ...]): Names of the formats to write.
        compress (bool): Whether label images are compressed. Defaults to
            False.
    """

    config: str
    config_hash: str
    checkpoint: str
    checkpoint_hash: str
    options: SegmentationOptions
    selection: PlaneSelection
    series: int | str
    outputs: tuple[str, ...]
    compress: bool = False

    @cached_property
    def fingerprint(self) -> str:
        """Changes when a result may."""
        content = {
            'version': cupre_mm.__version__,
            'config': self.config_hash,
            'checkpoint': self.checkpoint_hash,
            'options': {
                key: value
                for key, value in asdict(self.options).items()
                if key not in _IDLE
            },
            'selection': asdict(self.selection),
            'series': self.series,
            'outputs': sorted(self.outputs),
            'compress': self.compress,
        }
        return hashlib.sha256(canonical_json(content)).hexdigest()[:16]


def read_detector_config(
    path: str, cfg_options: Mapping[str, Any] | None, no_exec: bool
) -> Config:
    """Read the config of a detector.

    Args:
        path (str): The file.
        cfg_options (Mapping[str, Any], optional): Values to change.
        no_exec (bool): Whether nothing that it says may be run.

    Returns:
        Config: The config.

    Raises:
        MissingDataError: If there is no such file.
        BadConfigError: If it, or an option, cannot be used.
    """
    if not Path(path).is_file():
        raise MissingDataError(
            f'the config file {path} does not exist (from {os.getcwd()})'
        )
    with config_errors(path):
        config = read_config(path, no_exec)
    if cfg_options:
        merge_options(config, cfg_options)
    if no_exec:
        check_config(config)
    return config


def hash_config(config: Config) -> str:
    """Hash what a config says.

    Args:
        config (Config): The config.

    Returns:
        str: SHA-256 in hex.
    """
    text = json.dumps(config.to_dict(), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_checkpoint(checkpoint: str) -> str:
    """Hash a checkpoint.

    Args:
        checkpoint (str): A file or a URL.

    Returns:
        str: SHA-256 in hex, of a URL that of its name.

    Raises:
        MissingDataError: If there is no such file.
    """
    if '://' in checkpoint:
        return hashlib.sha256(checkpoint.encode()).hexdigest()
    path = Path(checkpoint).expanduser()
    if not path.is_file():
        raise MissingDataError(
            f'the checkpoint {checkpoint} does not exist (from '
            f'{os.getcwd()}): give the .pth file that training wrote, or '
            'that tools/export_detector.py did'
        )
    return sha256_of(path)
