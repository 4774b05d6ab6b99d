"""Loads an annotation file in a process of its own and measures it."""

import hashlib
import json
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any

from mmengine.registry import DATASETS

from cupre_mm.utils.measured_process import end_with_parent, memory_mib

# By name, as this module may not import the room of the data sets.
_OURS, _MMDETS = 'cupre_mm.CheckedCocoDataset', 'mmdet.CocoDataset'
_SAMPLED_IMAGES = 200


@dataclass(frozen=True)
class Load:
    """What is loaded.

    Attributes:
        ann_file (str): COCO json.
        images (str): Folder of its images.
        classes (tuple[str]): Class names.
        cache (str): Folder for the cache; '' loads by mmdet's
            ``CocoDataset``.
    """

    ann_file: str
    images: str
    classes: tuple[str, ...]
    cache: str = ''


@dataclass(frozen=True)
class Measurement:
    """What loading took.

    Attributes:
        seconds (float): Time to build the data set.
        peak (float): Most memory of the process until then, in MiB.
        kept (float): Memory that only this process has, afterwards, in MiB.
        imports (float): The part of both that importing the libraries
            takes, in MiB.
        access (float): Time to get one image's entry, in ms, the mean.
        num_images (int): Images of the data set.
        digest (str): SHA-256 of some images' entries.
    """

    seconds: float
    peak: float
    kept: float
    imports: float
    access: float
    num_images: int
    digest: str

    def as_dict(self) -> dict[str, Any]:
        """Give the fields for json."""
        return asdict(self)


def measure(load: Load) -> Measurement | None:
    """Load in a new process.

    Args:
        load (Load): What to load.

    Returns:
        Measurement: The figures; None if the process was killed, as it is
        where memory runs out.
    """
    spawn = get_context('spawn')
    with ProcessPoolExecutor(1, spawn, end_with_parent) as pool:
        try:
            return pool.submit(_measure_here, load).result()
        except BrokenProcessPool:
            return None


def _measure_here(load: Load) -> Measurement:
    # Imports both, so that both sides start with the same in memory.
    kinds = [DATASETS.get(kind) for kind in (_OURS, _MMDETS)]
    config: dict[str, Any] = dict(
        ann_file=load.ann_file,
        data_prefix=dict(img=load.images),
        metainfo=dict(classes=load.classes),
        pipeline=[],
    )
    imports = memory_mib()['VmRSS']
    start = time.perf_counter()
    if load.cache:
        dataset = kinds[0](**config, cache=load.cache)
    else:
        dataset = kinds[1](**config)
    seconds = time.perf_counter() - start
    memory = memory_mib()
    step = max(len(dataset) // _SAMPLED_IMAGES, 1)
    picked = range(0, len(dataset), step)
    sha256, spent = hashlib.sha256(), 0.0
    for index in picked:
        start = time.perf_counter()
        entry = dataset.get_data_info(index)
        spent += time.perf_counter() - start
        sha256.update(json.dumps(entry, sort_keys=True).encode())
    return Measurement(
        seconds=seconds,
        peak=memory['VmHWM'],
        kept=memory['RssAnon'],
        imports=imports,
        access=spent / len(picked) * 1e3,
        num_images=len(dataset),
        digest=sha256.hexdigest(),
    )
