"""A stream of images whose augmentations depend on the place in it alone."""

from collections.abc import Iterator
from typing import Any

from mmengine.dist import get_rank, get_world_size
from mmengine.registry import DATA_SAMPLERS, DATASETS
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset, Sampler

from cupre_mm.datasets.loader_workers import end_workers_with_run
from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.seeded_draws import seeded_draws

_OWN = ('dataset', 'stream_seed', 'stream_name')


class DrawnIndex(int):
    """Index of an image that knows its place in the stream of draws.

    Args:
        index (int): The index.
        position (int): Draws of all processes before this one.
    """

    position: int

    def __new__(cls, index: int, position: int) -> 'DrawnIndex':
        """Make an int with a position."""
        drawn = super().__new__(cls, index)
        drawn.position = position
        return drawn

    def __getnewargs__(self) -> tuple[int, int]:
        return int(self), self.position


class SeededSampler(Sampler):
    """Gives what a sampler draws as :class:`DrawnIndex`.

    Everything else, such as its ``seed``, is asked of and set on the sampler
    itself.

    Args:
        sampler (dict | object): The sampler or its config.
        **kwargs: Default arguments of a config: ``dataset`` and ``seed``.
    """

    def __init__(self, sampler: Any, **kwargs: Any) -> None:
        if isinstance(sampler, dict):
            sampler = DATA_SAMPLERS.build(sampler, default_args=kwargs)
        self.__dict__.update(sampler=sampler, drawn=0)

    def __iter__(self) -> Iterator[DrawnIndex]:
        """What the sampler draws, from where it stands."""
        world_size, rank = get_world_size(), get_rank()
        for index in self.sampler:
            position = self.drawn * world_size + rank
            self.__dict__['drawn'] += 1
            yield DrawnIndex(index, position)

    def skip(self, num_samples: int) -> None:
        """Go to a place in the stream of this process.

        Args:
            num_samples (int): Draws before it, counted from the start.
        """
        self.sampler.skip(num_samples)
        self.__dict__['drawn'] = num_samples

    def __len__(self) -> int:
        return len(self.sampler)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or 'sampler' not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.sampler, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.sampler, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.sampler, name)


class SeededDataset(Dataset):
    """Loads each image with random states that its place in the stream seeds.

    What is drawn for the n-th image is a function of the seed, the stream's
    name and n. Neither the number of workers, what they loaded before, nor
    where a run was interrupted matters, and the states of the process are
    put back after each image. It holds for transforms that draw from the
    global generators of Python, NumPy or torch, as those of mmcv, mmdet,
    mmpretrain and cupre_mm do, and keep no images of earlier calls, as
    mmdet's ``CachedMosaic`` does.

    Everything else is asked of and set on the data set itself.

    Args:
        dataset (dict | Dataset): The data set or its config.
        stream_name (str): Name of the stream, such as 'moco'.
        stream_seed (int, optional): Seed of the run, the same on all
            processes. Defaults to None.
    """

    def __init__(
        self,
        dataset: Any,
        stream_name: str,
        stream_seed: int | None = None,
    ) -> None:
        if isinstance(dataset, dict):
            dataset = DATASETS.build(dataset)
        self.dataset = dataset
        self.stream_name = stream_name
        self.stream_seed = stream_seed

    def __getitem__(self, index: int) -> Any:
        """Load an image.

        Args:
            index (int): A :class:`DrawnIndex`; an ordinary number is looked
                up without seeding.

        Returns:
            Any: What the data set gives.
        """
        if not isinstance(index, DrawnIndex):
            return self.dataset[index]
        with seeded_draws(self.stream_seed, self.stream_name, index.position):
            return self.dataset[int(index)]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        # torch would take __getitems__ of the data set, past the seeding.
        if name.startswith('__') or 'dataset' not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            super().__setattr__(name, value)
        else:
            setattr(self.dataset, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.dataset, name)


def build_seeded_loader(
    config: dict | DataLoader, name: str, seed: int | None, where: str
) -> DataLoader:
    """Build a data loader whose images are the same whoever loads them.

    Args:
        config (dict | DataLoader): mmengine's config of a data loader, or a
            built one, which is left as it is.
        name (str): Name of the stream.
        seed (int, optional): Seed of the run, the same on all processes.
        where (str): What the config calls it, for messages.

    Returns:
        DataLoader: The loader. Its sampler skips.

    Raises:
        BadConfigError: If a value cannot be used, or what the loader has
            drawn could not be skipped exactly.
    """
    values = {}
    if isinstance(config, dict):
        config, values = _seeded_config(config, name, seed, where)
    with config_values(where, **values):
        # Not diff_rank_seed: the seed is the same everywhere already, and
        # the places in the stream differ from process to process.
        loader = Runner.build_dataloader(config, seed=seed)
    if loader.batch_size is None:
        raise BadConfigError(
            f'{where}.batch_sampler is a '
            f'{type(loader.batch_sampler).__name__}: what it has drawn '
            f'cannot be skipped exactly on resume. Set {where}.'
            'batch_sampler=None.'
        )
    sampler = loader.sampler
    if isinstance(sampler, SeededSampler):
        sampler = sampler.sampler
    if not hasattr(sampler, 'skip'):
        raise BadConfigError(
            f'{where}.sampler is a {type(sampler).__name__}, which neither '
            "runs without end nor skips on resume: use 'InfiniteSampler' or "
            "'cupre_mm.SourceSampler'."
        )
    follow_seed(loader, None, seed)
    if isinstance(config, dict):
        end_workers_with_run(loader)
    return loader


def _seeded_config(
    config: dict, name: str, seed: int | None, where: str
) -> tuple[dict, dict]:
    """Config with the stream in it, and the values that it has besides."""
    missing = [key for key in ('dataset', 'sampler') if key not in config]
    if missing:
        raise BadConfigError(
            f'{where} has no {" and no ".join(missing)}: it must name both, '
            "such as sampler=dict(type='InfiniteSampler')"
        )
    dataset = SeededDataset(config['dataset'], name, seed)
    if hasattr(dataset, 'full_init'):
        dataset.full_init()
    values = {key: value for key, value in config.items() if key != 'dataset'}
    seeded = dict(type=SeededSampler, sampler=config['sampler'])
    return {**config, 'dataset': dataset, 'sampler': seeded}, values


def stream_of(loader: DataLoader) -> SeededDataset | None:
    """Find the seeded data set of a loader, cut short or not.

    Args:
        loader (DataLoader): The loader.

    Returns:
        SeededDataset, optional: It, or None where the loader was built
        elsewhere.
    """
    dataset = loader.dataset
    while dataset is not None and not isinstance(dataset, SeededDataset):
        # mmengine's num_batch_per_epoch puts a wrapper around.
        dataset = vars(dataset).get('_dataset')
    return dataset


def follow_seed(
    loader: DataLoader, before: int | None, seed: int | None
) -> None:
    """Change the seed of a loader before it is iterated.

    A sampler with a seed of its own keeps it.

    Args:
        loader (DataLoader): The loader.
        before (int, optional): Seed that it was built with.
        seed (int, optional): Seed of the run.
    """
    if before is not None and getattr(loader.sampler, 'seed', None) == before:
        loader.sampler.seed = seed
    stream = stream_of(loader)
    if stream is not None:
        # Without a run there is the sampler's seed alone.
        own = getattr(loader.sampler, 'seed', None)
        stream.stream_seed = own if seed is None else seed
