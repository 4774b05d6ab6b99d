"""Draws images so that each source has the share its weight gives it."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log

from cupre_mm.registry import DATA_SAMPLERS
from cupre_mm.utils.errors import BadConfigError

_DRAWS_TO_LOG = 10_000
_CHUNK = 1024


@DATA_SAMPLERS.register_module()
class SourceSampler(InfiniteSampler):
    """Endless draws from several sources, by weight.

    Every draw chooses a source with a probability proportional to its
    weight, then the source's next image; within a source each image comes
    once before any comes again. Without weights all images are equal, and
    the draws are those of :class:`mmengine.dataset.InfiniteSampler`. Seeding,
    sharing out to ranks and ``skip`` are inherited.

    Args:
        dataset (BaseDataset): A data set whose samples name their
            ``source``, such as ``CellImages``, or a wrapper of such.
        shuffle (bool): Whether to shuffle the images within a source.
            Defaults to True.
        seed (int, optional): Seed, the same on all ranks. None draws one.
            Defaults to None.
        weights (dict[str, float], optional): Weight of every source. None
            takes ``source_weights`` of the data set's metainfo.
            Defaults to None.

    Raises:
        BadConfigError: If the weights are not those of the data set's
            sources, or not positive.
    """

    def __init__(
        self,
        dataset: Any,
        shuffle: bool = True,
        seed: int | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(dataset, shuffle=shuffle, seed=seed)
        self._images: dict[str, list[int]] = {}
        for index in range(self.size):
            source = dataset.get_data_info(index)['source']
            self._images.setdefault(source, []).append(index)
        self.weights = self._resolve(weights)
        self._log_shares()

    def _resolve(
        self, weights: Mapping[str, float] | None
    ) -> dict[str, float] | None:
        if weights is None:
            meta = self.dataset.metainfo
            if not meta.get('source_weights'):
                return None
            named = dict(zip(meta['sources'], meta['source_weights']))
            # A subset of the data may hold none of a source's images.
            weights = {
                name: weight
                for name, weight in named.items()
                if name in self._images
            }
        if set(weights) != set(self._images):
            raise BadConfigError(
                f'weights={dict(weights)} do not fit the sources of the '
                f'data set: {", ".join(self._images)}'
            )
        if not all(0 < weight < float('inf') for weight in weights.values()):
            raise BadConfigError(
                f'weights={dict(weights)}: every weight must be a positive '
                'number'
            )
        return {name: float(weights[name]) for name in self._images}

    def _infinite_indices(self) -> Iterator[int]:
        if self.weights is None:
            yield from super()._infinite_indices()
            return
        generator = torch.Generator()
        generator.manual_seed(self.seed)
        weights = torch.tensor(
            list(self.weights.values()), dtype=torch.float64
        )
        cycles = [
            self._cycles(images, generator) for images in self._images.values()
        ]
        while True:
            draws = torch.multinomial(
                weights, _CHUNK, replacement=True, generator=generator
            )
            for source in draws.tolist():
                yield next(cycles[source])

    def _cycles(
        self, images: list[int], generator: torch.Generator
    ) -> Iterator[int]:
        while True:
            if self.shuffle:
                order = torch.randperm(len(images), generator=generator)
                yield from (images[i] for i in order.tolist())
            else:
                yield from images

    def _log_shares(self) -> None:
        """Say what share of the draws each source gets, and really got."""
        total = sum(self.weights.values()) if self.weights else self.size
        source_of = {
            index: name
            for name, images in self._images.items()
            for index in images
        }
        drawn = Counter(
            source_of[index]
            for index in itertools.islice(
                self._infinite_indices(), _DRAWS_TO_LOG
            )
        )
        lines = []
        for name, images in self._images.items():
            part = self.weights[name] if self.weights else len(images)
            lines.append(
                f'  {name}: {len(images)} images, {part / total:.1%} of the '
                f'draws asked for, {drawn[name] / _DRAWS_TO_LOG:.1%} of the '
                f'first {_DRAWS_TO_LOG} given'
            )
        print_log('SourceSampler:\n' + '\n'.join(lines), logger='current')
