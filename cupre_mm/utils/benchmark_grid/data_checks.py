"""Whether the test images stay out of all training and model selection."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cupre_mm.utils.benchmark_grid.data_preparation import needed_splits
from cupre_mm.utils.benchmark_grid.grid_config import Grid
from cupre_mm.utils.benchmark_grid.tasks import Task
from cupre_mm.utils.benchmark_grid.training_config import (
    annotation_file,
    dataset_of,
)
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)

_SHOWN = 3


class TestImages:
    """The test part of a grid, which no training may see.

    Args:
        grid (Grid): The grid.
        data (Path): Root of all data.

    Raises:
        MissingDataError: If the test file does not exist.
    """

    # Not a test of pytest's.
    __test__ = False

    def __init__(self, grid: Grid, data: Path) -> None:
        self.grid, self.data = grid, data
        self.folder = data / grid.data.folder
        self.images = (self.folder / grid.data.images).resolve()
        self.file = self.folder / grid.data.test
        self._names: dict[Path, frozenset[str]] = {}
        self.names = self._names_of(self.file)

    def check(self, tasks: Mapping[str, Task]) -> None:
        """Check splits, pools of images and validation sets.

        Args:
            tasks (Mapping[str, Task]): Tasks of the grid.

        Raises:
            BadDataError: If a training or validation part has a test image.
            BadConfigError: If a config validates on them.
        """
        self._check_splits()
        seen = set()
        for task in tasks.values():
            key = task.arm, task.stage
            if key not in seen:
                seen.add(key)
                self._check_validation(task)
                self._check_pools(task)
            self._check_training(task)

    def _check_splits(self) -> None:
        for seed, names in needed_splits(self.grid).items():
            folder = self.folder / self.grid.data.splits.format(seed=seed)
            for name in names:
                self._refuse_overlap(folder / name, 'the grid trains')
            own = folder / 'test.json'
            if own.is_file() and self._names_of(own) != self.names:
                raise BadDataError(
                    f'{own} and {self.file} hold different images: the test '
                    'part must be the same for all seeds. make_splits.py '
                    'makes it so with the same --test-seed and '
                    '--test-fraction'
                )

    def _check_training(self, task: Task) -> None:
        loaders = ['train_dataloader', 'train_dataloader.det']
        for loader in loaders:
            found = dataset_of(task.config, loader)
            file = annotation_file(found[1]) if found else None
            if file and self._is_of_these_images(found[1]):
                self._refuse_overlap(file, f'{task.name} trains')

    def _check_validation(self, task: Task) -> None:
        config = task.config
        if not config.get('val_cfg') or not config.get('val_dataloader'):
            return
        found = dataset_of(config, 'val_dataloader')
        file = annotation_file(found[1]) if found else None
        if file is None or not self._is_of_these_images(found[1]):
            return
        try:
            self._refuse_overlap(file, 'it validates')
        except BadDataError as error:
            raise BadConfigError(
                f'{task.name} chooses its model on test images: {error}. '
                'Leave validation out by options={"val_cfg": None, '
                '"val_dataloader": None, "val_evaluator": None}'
            ) from error

    def _check_pools(self, task: Task) -> None:
        for root, source in self._sources(task):
            paths = source.get('paths')
            for path in [paths] if isinstance(paths, str) else paths or ():
                self._check_pool(task, root, str(path))

    def _check_pool(self, task: Task, root: Path, name: str) -> None:
        path = root / name
        if path.suffix == '.txt':
            if not path.is_file():
                return
            images = [root / line for line in path.read_text().splitlines()]
        elif path.resolve() in (self.images, *self.images.parents):
            raise BadDataError(
                f'{task.name} takes all of {path} as unlabelled images, the '
                'test images too: name a list of the training part '
                '(tools/dataset_converters/list_images.py)'
            )
        else:
            return
        both = [
            image.name
            for image in images
            if self.images in image.resolve().parents
            and str(image.resolve().relative_to(self.images)) in self.names
        ]
        if both:
            raise BadDataError(
                f'{path}, which {task.name} trains on, lists {len(both)} test '
                f'images of {self.file}, such as {", ".join(both[:_SHOWN])}: '
                'remove it, and it will be made of the training part'
            )

    @staticmethod
    def _sources(task: Task) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        found = dataset_of(task.config, 'train_dataloader.moco')
        if found is None:
            return
        sources = found[1].get('sources') or ()
        if isinstance(sources, Mapping):
            sources = [
                value if isinstance(value, Mapping) else {'paths': value}
                for value in sources.values()
            ]
        for source in sources:
            yield Path(found[1].get('data_root') or ''), source

    def _is_of_these_images(self, dataset: Mapping) -> bool:
        prefix = dataset.get('data_prefix') or {}
        folder = Path(dataset.get('data_root') or '', prefix.get('img') or '')
        return folder.resolve() == self.images

    def _refuse_overlap(self, file: Path, what: str) -> None:
        both = sorted(self._names_of(file) & self.names)
        if both:
            raise BadDataError(
                f'{what} on {file}, which has {len(both)} images of the test '
                f'part {self.file}, such as {", ".join(both[:_SHOWN])}'
            )

    def _names_of(self, file: Path) -> frozenset[str]:
        if file not in self._names:
            if not file.is_file():
                raise MissingDataError(f'{file} does not exist')
            coco = json.loads(file.read_bytes())
            self._names[file] = frozenset(
                image['file_name'] for image in coco['images']
            )
        return self._names[file]
