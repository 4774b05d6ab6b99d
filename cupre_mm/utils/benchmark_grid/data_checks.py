"""Whether the test images stay out of all training and model selection."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cupre_mm.utils.benchmark_grid.data_preparation import needed_splits
from cupre_mm.utils.benchmark_grid.grid_config import Grid
from cupre_mm.utils.benchmark_grid.tasks import Task
from cupre_mm.utils.benchmark_grid.training_config import (
    annotation_file,
    dataset_of,
    datasets_of,
)
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from cupre_mm.utils.image_paths import find_images
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS

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
        self._checked: set[Path] = set()
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
        for task in tasks.values():
            self._check_training(task)
            self._check_validation(task)
            self._check_pools(task)

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
        for loader in ('train_dataloader', 'train_dataloader.det'):
            for file, folder in self._files_of(task, loader):
                self._refuse_overlap(file, f'{task.name} trains', folder)

    def _check_validation(self, task: Task) -> None:
        config = task.config
        if not config.get('val_cfg') or not config.get('val_dataloader'):
            return
        try:
            for file, folder in self._files_of(task, 'val_dataloader'):
                self._refuse_overlap(file, 'it validates', folder)
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
        if root / name in self._checked:
            return
        self._checked.add(root / name)
        try:
            images = find_images(name, str(root), IMAGE_EXTENSIONS).files
        # The training says what is missing, and other tasks go on.
        except MissingDataError:
            return
        tests = {os.path.realpath(self.images / n): n for n in self.names}
        found = {os.path.realpath(image) for image in images}
        both = sorted(tests[path] for path in found & tests.keys())
        if both:
            raise BadDataError(
                f'{root / name}, which {task.name} takes unlabelled images '
                f'from, has {len(both)} test images of {self.file}, such as '
                f'{", ".join(both[:_SHOWN])}: name a list of the training '
                'part alone (tools/dataset_converters/list_images.py writes '
                'one; a list of data.pools that is removed is written anew)'
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

    def _files_of(
        self, task: Task, loader: str
    ) -> Iterator[tuple[Path, Path]]:
        """Annotation files of a loader, each with the folder of its images.

        Those whose folder can hold none of the grid's images are left out.
        """
        for _, dataset in datasets_of(task.config, loader):
            file = annotation_file(dataset)
            if file is not None:
                prefix = dataset.get('data_prefix') or {}
                root = dataset.get('data_root') or ''
                folder = Path(root, prefix.get('img') or '').resolve()
                if folder.is_relative_to(self.images) or (
                    self.images.is_relative_to(folder)
                ):
                    yield file, folder

    def _refuse_overlap(
        self, file: Path, what: str, folder: Path | None = None
    ) -> None:
        names = self._names_of(file)
        if folder not in (None, self.images):
            # Other folders may hold these images in a subfolder, or be one.
            paths = (os.path.normpath(folder / name) for name in names)
            names = {os.path.relpath(path, self.images) for path in paths}
        both = sorted(names & self.names)
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
