"""Draws images so that each source has the share that it is to have."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log

from cupre_mm.datasets.source_shares import cap_repeats, tempered_shares
from cupre_mm.registry import DATA_SAMPLERS
from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError

_DRAWS_TO_LOG = 10_000
_CHUNK = 1024


@DATA_SAMPLERS.register_module()
class SourceSampler(InfiniteSampler):
    """Endless draws from several sources, by weight or by temperature.

    Every draw chooses a source by its share, then the source's next image;
    within a source each image comes once before any comes again. The shares
    are those of given weights, or proportional to n^(1/T) for a source of n
    images and a temperature T: with T = 1 a source counts by its size, and a
    small one may vanish; the larger T, the more equal are all sources, and
    the more often is each image of a small one repeated. ``max_repeat``
    bounds that. Seeding, sharing out to ranks and ``skip`` are inherited.

    Without weights, temperature and crop size all images are equal, and the
    draws are those of :class:`mmengine.dataset.InfiniteSampler`.

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
        temperature (float | str, optional): T, at least 1; infinity, or the
            text 'inf', makes all sources equal. None is 1.
            Defaults to None.
        crop_size (float, optional): Side in pixels of the crops that are
            trained on. An image then counts as the number of crops that its
            area holds, and at least as one, so that a source of many tiny
            images is not taken for a large one. None counts images.
            Defaults to None.
        max_repeat (float, optional): How many times its proportional share
            a source may get at most, at least 1: how often its images come
            while those of all sources on average come once. None is no
            limit. Defaults to None.

    Attributes:
        shares (dict[str, float]): Share of the draws of every source.

    Raises:
        BadConfigError: If the weights are not those of the data set's
            sources, or not positive; if there are weights and a temperature
            or crop size; on a number out of its range; or if the samples do
            not name their source.
    """

    def __init__(
        self,
        dataset: Any,
        shuffle: bool = True,
        seed: int | None = None,
        weights: Mapping[str, float] | None = None,
        temperature: float | str | None = None,
        crop_size: float | None = None,
        max_repeat: float | None = None,
    ) -> None:
        super().__init__(dataset, shuffle=shuffle, seed=seed)
        self.temperature = _number('temperature', temperature, 1)
        self.crop_size = _number('crop_size', crop_size, 1)
        self.max_repeat = _number('max_repeat', max_repeat, 1)
        self._images: dict[str, list[int]] = {}
        self._counts: dict[str, float] = {}
        for index in range(self.size):
            self._add(index)
        with config_values('SourceSampler', weights=weights, seed=seed):
            self.weights = self._resolve(weights)
            self.shares = self._to_shares()
        try:
            torch.Generator().manual_seed(self.seed)
        except (RuntimeError, TypeError) as error:
            raise BadConfigError(
                f'SourceSampler: seed={seed!r} must be an integer'
            ) from error
        self._log_shares()

    def _add(self, index: int) -> None:
        info = getattr(self.dataset, 'get_data_info', lambda _: {})(index)
        if 'source' not in info:
            raise BadConfigError(
                'SourceSampler needs samples that name their source, but '
                f'those of {type(self.dataset).__name__} have '
                f'{", ".join(info) or "nothing to tell"}: use it with type='
                "'cupre_mm.CellImages', or take type='InfiniteSampler'"
            )
        count = 1.0
        if self.crop_size is not None:
            if 'height' not in info or 'width' not in info:
                raise BadConfigError(
                    f'crop_size={self.crop_size:g} counts images by their '
                    'sizes, which are not known: set check_files=True of '
                    'CellImages, or crop_size=None'
                )
            area = info['height'] * info['width']
            # Divided twice, as the square of a huge size overflows.
            count = max(1.0, area / self.crop_size / self.crop_size)
        source = info['source']
        self._images.setdefault(source, []).append(index)
        self._counts[source] = self._counts.get(source, 0.0) + count

    def _resolve(
        self, weights: Mapping[str, float] | None
    ) -> dict[str, float] | None:
        if weights is None:
            meta = getattr(self.dataset, 'metainfo', {})
            if not meta.get('source_weights'):
                return None
            named = dict(zip(meta['sources'], meta['source_weights']))
            # A subset of the data may hold none of a source's images.
            weights = {
                name: weight
                for name, weight in named.items()
                if name in self._images
            }
        if self.temperature is not None or self.crop_size is not None:
            raise BadConfigError(
                f'weights={dict(weights)} are given, of the sampler or of '
                f'the sources, and temperature={self.temperature}, '
                f'crop_size={self.crop_size} as well: to draw by weights, '
                'write sampler=dict(temperature=None, crop_size=None), else '
                'take the weights away'
            )
        if set(weights) != set(self._images):
            raise BadConfigError(
                f'weights={dict(weights)} do not fit the sources of the '
                f'data set: {", ".join(self._images)}'
            )
        if not all(map(_is_positive, weights.values())):
            raise BadConfigError(
                f'weights={dict(weights)}: every weight must be a positive '
                'number'
            )
        return {name: float(weights[name]) for name in self._images}

    def _to_shares(self) -> dict[str, float]:
        if self.weights is not None:
            shares = tempered_shares(self.weights, 1)
        else:
            shares = tempered_shares(self._counts, self.temperature or 1)
        if self.max_repeat is not None:
            shares = cap_repeats(shares, self._counts, self.max_repeat)
        return shares

    @property
    def images_of_source(self) -> dict[str, int]:
        """Number of images by source."""
        return {name: len(images) for name, images in self._images.items()}

    @property
    def _is_proportional(self) -> bool:
        """Whether all images are equal, so that no source need be chosen."""
        return (
            self.weights is None
            and self.crop_size is None
            and self.temperature in (None, 1)
        )

    def _infinite_indices(self) -> Iterator[int]:
        if self._is_proportional:
            yield from super()._infinite_indices()
            return
        generator = torch.Generator()
        generator.manual_seed(self.seed)
        shares = torch.tensor(list(self.shares.values()), dtype=torch.float64)
        cycles = [
            self._cycles(images, generator) for images in self._images.values()
        ]
        while True:
            draws = torch.multinomial(
                shares, _CHUNK, replacement=True, generator=generator
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
        total = sum(self._counts.values())
        lines = []
        for name, images in self._images.items():
            size = f'{len(images)} images'
            if self.crop_size is not None:
                size += f' (area of {self._counts[name]:.0f} crops)'
            repeat = self.shares[name] * total / self._counts[name]
            lines.append(
                f'  {name}: {size}, {self.shares[name]:.1%} of the '
                f'draws asked for, {drawn[name] / _DRAWS_TO_LOG:.1%} of the '
                f'first {_DRAWS_TO_LOG} given, {repeat:.2f} times its '
                'proportional share'
            )
        print_log(
            f'SourceSampler ({self._how()}):\n' + '\n'.join(lines),
            logger='current',
        )

    def _how(self) -> str:
        if self.weights is not None:
            parts = ['by weights']
        else:
            parts = [f'temperature={self.temperature or 1:g}']
            if self.crop_size is not None:
                parts.append(f'crop_size={self.crop_size:g}')
        if self.max_repeat is not None:
            parts.append(f'max_repeat={self.max_repeat:g}')
        return ', '.join(parts)


def _is_positive(weight: Any) -> bool:
    return isinstance(weight, (int, float)) and 0 < weight < math.inf


def _number(name: str, value: Any, least: float) -> float | None:
    """A number of the config, or None where there is none."""
    if value is None:
        return None
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    # mmengine writes an infinite number to a file it cannot read again,
    # so the text 'inf' has to do as well.
    if not number >= least or (number == math.inf and name == 'crop_size'):
        raise BadConfigError(
            f'SourceSampler: {name}={value!r} must be a number of at least '
            f'{least}'
        )
    return number
