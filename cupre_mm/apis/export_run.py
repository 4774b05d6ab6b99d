"""From a config and a checkpoint to a folder that can be passed on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor
from torch.nn.functional import interpolate

import cupre_mm
from cupre_mm.apis import exported_model
from cupre_mm.apis.exported_model import MODEL_NAME
from cupre_mm.apis.model_export import (
    Difference,
    compare,
    make_portable,
    to_torchscript,
)
from cupre_mm.apis.network_input import NetworkInput
from cupre_mm.apis.trained_model import load_model, open_config
from cupre_mm.utils.model_card import (
    CARD_NAME,
    CardFacts,
    read_report,
    sha256_of,
    write_card,
)
from cupre_mm.utils.whole_file import write_whole_file

LOADER_NAME = 'exported_model.py'
_SIZES = ((256, 256), (200, 333), (97, 160), (384, 300))
_LIBRARIES = ('torch', 'torchvision', 'onedl-mmdetection', 'onedl-mmcv')
_HOW_TO_LOAD = """
# Needs torch and torchvision; exported_model.py lies beside this card.
from exported_model import ExportedModel

model = ExportedModel('.')
labels = model.label_image(image)  # (H, W) or (H, W, 3) numpy array, R G B
found = model.detect(image, score_thr=0.5)
"""


def export_model(
    config: str | Path | Config,
    checkpoint: str | Path,
    out: str | Path,
    data: Sequence[str] = (),
    report: str | Path | None = None,
    images: Sequence[np.ndarray] = (),
) -> tuple[list[Path], Difference]:
    """Write a detector as TorchScript, with a loader and a model card.

    Args:
        config (str | Path | Config): Its config.
        checkpoint (str | Path): Its weights.
        out (str | Path): Folder to write.
        data (Sequence[str]): What it was trained on beside what the config
            names, such as data of pre-training. Defaults to none.
        report (str | Path, optional): A report.json of its evaluation.
            Defaults to None.
        images (Sequence[np.ndarray]): (H, W, 3), uint8, R, G, B, on which
            both models must detect the same. Defaults to none: generated
            ones.

    Returns:
        tuple[list[Path], Difference]: The files, and how far the exported
        model is from the original.

    Raises:
        MissingDataError: If a file is not there.
        BadConfigError: If the detector has a part that cannot be exported.
        BadCheckpointError: If the checkpoint does not fit.
        BadDataError: If the exported model detects anything else.
        NoSpaceError: If the disk is full.
    """
    config = open_config(config)
    facts = None if report is None else read_report(Path(report))
    settings = _settings(config)
    original = load_model(config, checkpoint, 'cpu')
    settings['classes'] = list(original.dataset_meta.get('classes') or ())
    settings['mask_threshold'] = float(
        original.roi_head.test_cfg.mask_thr_binary
        if hasattr(original, 'roi_head')
        else 0.5
    )
    portable = make_portable(load_model(config, checkpoint, 'cpu'))
    content = to_torchscript(portable, settings)
    tensors = [
        torch.from_numpy(image.copy()).permute(2, 0, 1) for image in images
    ]
    difference = compare(original, content, tensors or generated_images())
    loader = Path(exported_model.__file__).read_bytes()
    card = write_card(
        CardFacts(
            title=Path(config.filename or 'model').stem,
            kind=type(original).__name__,
            config=str(config.filename or 'given as an object'),
            checkpoint=str(checkpoint),
            checkpoint_sha256=_file_sha256(Path(checkpoint)),
            files={MODEL_NAME: sha256_of(content)},
            classes=settings['classes'],
            data=[*training_data(config), *data],
            versions=versions(),
            how_to_load=_HOW_TO_LOAD,
            notes=[
                'Exported as TorchScript and compared with the original on '
                f'{difference.images} images with {difference.detections} '
                f'detections: boxes differ by {difference.box:.1e} px at '
                f'most, scores by {difference.score:.1e}, and '
                f'{difference.mask_pixels} pixels of the masks.'
            ],
            report=facts,
        )
    )
    out = Path(out)
    contents = {
        LOADER_NAME: loader,
        CARD_NAME: card.encode(),
        # Last: what has a model is complete.
        MODEL_NAME: content,
    }
    for name, one in contents.items():
        write_whole_file(out / name, one)
    return [out / name for name in contents], difference


def generated_images() -> list[Tensor]:
    """Draw blots of several sizes, the same ones every time.

    Returns:
        list[Tensor]: (3, H, W), uint8.
    """
    generator = torch.Generator().manual_seed(0)
    images = []
    for height, width in _SIZES:
        coarse = torch.rand(1, 1, 14, 14, generator=generator)
        smooth = interpolate(coarse, (height, width), mode='bicubic')[0]
        noise = 20 * torch.rand(3, height, width, generator=generator)
        bright = ((smooth - 0.4) * 500).clamp(0, 220)
        images.append((bright + noise).clamp(0, 255).to(torch.uint8))
    return images


def training_data(config: Mapping[str, Any]) -> list[str]:
    """Find what a config trains on, and what it starts from.

    Args:
        config (Config): The config.

    Returns:
        list[str]: Annotation files and checkpoints.
    """
    found = list(_annotations(config.get('train_dataloader') or {}))
    if config.get('load_from'):
        found.append(f'weights of {config["load_from"]}')
    return found


def versions() -> dict[str, str]:
    """Give the versions of what a model was made with.

    Returns:
        dict[str, str]: By library.
    """
    found = {
        'cupre_mm': cupre_mm.__version__,
        'python': platform.python_version(),
    }
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _annotations(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get('ann_file'), str):
            root = str(value.get('data_root') or '')
            yield root + value['ann_file']
        for one in value.values():
            yield from _annotations(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _annotations(one)


def _settings(config: Config) -> dict[str, Any]:
    """What the loader does to an image, from the test pipeline."""
    prepared = NetworkInput(config)
    resize = dict(prepared._resize)
    if resize.get('scale') is None:
        wanted = {'factor': prepared.factor((256, 256))}
    else:
        # Refuses what no one number can describe.
        prepared.factor((256, 256))
        scale = resize['scale']
        pair = list(scale) if isinstance(scale, list | tuple) else [scale] * 2
        wanted = {'scale': [float(one) for one in pair]}
    percentiles = prepared._percentiles
    return dict(
        format=1,
        percentiles=None if percentiles is None else list(percentiles),
        resize=wanted,
    )


def _file_sha256(path: Path) -> str:
    if not path.is_file():
        return 'not a file of this machine'
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()
