"""Unlabelled cell images of several sources as one data set."""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from tqdm import tqdm

from cupre_mm.datasets.cell_sources import (
    CellSource,
    are_texts,
    parse_sources,
)
from cupre_mm.registry import DATASETS
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from cupre_mm.utils.image_paths import find_images
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS, probe_image

_MOST_LISTED = 20
# Opening a file waits for the disk or the network more than for the CPU.
_PROBE_THREADS = 8
_FILES_WORTH_A_PROGRESS_BAR = 5000


@DATASETS.register_module()
class CellImages(BaseDataset):
    """Unlabelled cell images from folders, glob patterns or list files.

    A sample is ``dict(img_path=..., source=..., sample_idx=...)``, with the
    ``height`` and ``width`` of files that were checked. The order is the
    order of the sources and, within one, of its paths, sorted; it is the
    same on every machine. ``metainfo`` carries ``sources``, their names,
    and ``source_weights``, which
    :class:`~cupre_mm.datasets.source_sampler.SourceSampler` draws by.

    Args:
        sources (Sequence[dict] | dict): One dict a source with ``name``,
            ``paths`` (a folder, a glob pattern, a ``.txt`` file with one
            path a line, an image file, or a list of those) and, for all
            sources or none, ``weight``, the relative share of the draws.
            ``about`` may be a dict of what is known of the source, as in
            the catalogue (``configs/_base_/datasets/cell_catalogue.py``):
            its ``licence`` is logged, its ``url`` told where images are
            missing, the rest is for the reader.
            Or a dict of name to paths, or of name to such a dict, of which
            a config that inherits can change one value.
        data_root (str): Folder that relative paths start from.
            Defaults to ''.
        pipeline (Sequence[dict | Callable]): Transforms. Defaults to ().
        extensions (Sequence[str]): Extensions of image files in folders and
            patterns, in any case. Defaults to png, jpg, jpeg, bmp, tif and
            tiff.
        check_files (bool): Whether to check every file's header at start-up.
            What cannot be read is then listed in the log and left out;
            unchecked, it stops the run when it is first drawn.
            Defaults to True.
        max_bad_share (float): Share of unreadable files above which they
            are an error, from 0 to 1. Defaults to 0.01.
        how_to_get (str): What to tell a user whose data is missing.
            Defaults to a pointer to ``data/README.md``.
        **kwargs: Of :class:`mmengine.dataset.BaseDataset`, such as
            ``lazy_init``, ``indices`` and ``serialize_data``.

    Raises:
        BadConfigError: If ``sources`` or ``max_bad_share`` make no sense.
        MissingDataError: If a path does not exist or a source has no image.
        BadDataError: If too many files, or all of a source's, are
            unreadable.
    """

    METAINFO: dict = dict(dataset_type='cell_images')

    def __init__(
        self,
        sources: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        data_root: str = '',
        pipeline: Sequence[dict | Callable] = (),
        extensions: Sequence[str] = IMAGE_EXTENSIONS,
        check_files: bool = True,
        max_bad_share: float = 0.01,
        how_to_get: str = (
            'data/README.md says where to get each source and what goes where.'
        ),
        metainfo: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if not (
            isinstance(max_bad_share, (int, float)) and 0 <= max_bad_share <= 1
        ):
            raise BadConfigError(
                f'max_bad_share={max_bad_share!r} is not a share of files: '
                'give a number from 0 to 1'
            )
        self.sources = parse_sources(sources)
        if not are_texts(extensions):
            raise BadConfigError(
                f'extensions={extensions!r} is no list of endings of file '
                "names, such as ('.png', '.tif')"
            )
        if not isinstance(data_root or '', (str, os.PathLike)):
            raise BadConfigError(
                f'data_root={data_root!r} is not the name of a folder'
            )
        self.extensions = tuple(extensions)
        self.check_files = check_files
        self.max_bad_share = max_bad_share
        self.how_to_get = how_to_get
        weights = [source.weight for source in self.sources]
        super().__init__(
            metainfo=dict(
                metainfo or {},
                sources=[source.name for source in self.sources],
                source_weights=None if None in weights else weights,
            ),
            data_root=data_root or '',
            data_prefix={},
            pipeline=list(pipeline),
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """Find the files of every source, and check them.

        Returns:
            list[dict]: One ``dict(img_path=..., source=...)`` an image.
        """
        samples = [
            dict(img_path=file, source=source.name)
            for source in self.sources
            for file in self._files_of(source)
        ]
        if self.check_files:
            samples = self._readable(samples)
        counts = Counter(sample['source'] for sample in samples)
        listing = ', '.join(f'{name} {n}' for name, n in counts.items())
        print_log(
            f'CellImages: {len(samples)} images of {len(counts)} '
            f'source(s): {listing}.',
            logger='current',
        )
        self._log_licences()
        return samples

    def _log_licences(self) -> None:
        licences: dict[str, list[str]] = {}
        for source in self.sources:
            if 'licence' in source.about:
                named = licences.setdefault(source.about['licence'], [])
                named.append(source.name)
        if licences:
            listing = '; '.join(
                f'{licence}: {", ".join(names)}'
                for licence, names in licences.items()
            )
            print_log(
                f'CellImages: licences of the images: {listing}.',
                logger='current',
            )

    def _files_of(self, source: CellSource) -> list[str]:
        try:
            found = find_images(source.paths, self.data_root, self.extensions)
        except MissingDataError as error:
            raise MissingDataError(
                f'source {source.name!r}: {error} {self._advice(source)}'
            ) from error
        others = ', '.join(
            f'{n} {end}' for end, n in found.passed_over.items()
        )
        if not found.files:
            raise MissingDataError(
                f'source {source.name!r} has no image: no file in '
                f'{", ".join(source.paths)} ends in '
                f'{", ".join(self.extensions)} '
                f'(other files: {others or "none"}). {self._advice(source)}'
            )
        if others:
            print_log(
                f'CellImages: source {source.name!r}: passed over files that '
                f'are no images by their extension: {others}.',
                logger='current',
            )
        return found.files

    def _advice(self, source: CellSource) -> str:
        url = source.about.get('url')
        return (f'It is at <{url}>. ' if url else '') + self.how_to_get

    def _readable(self, samples: list[dict]) -> list[dict]:
        """The samples whose files can be read; few others are reported."""
        start = time.perf_counter()
        with ThreadPoolExecutor(_PROBE_THREADS) as pool:
            probed = list(
                tqdm(
                    pool.map(_probe, samples),
                    total=len(samples),
                    desc='checking image files',
                    disable=len(samples) < _FILES_WORTH_A_PROGRESS_BAR
                    or not is_main_process(),
                )
            )
        bad = [result for result in probed if isinstance(result, str)]
        kept = [
            dict(sample, height=result[0], width=result[1])
            for sample, result in zip(samples, probed)
            if not isinstance(result, str)
        ]
        print_log(
            f'CellImages: checked the headers of {len(samples)} files in '
            f'{time.perf_counter() - start:.1f} s, {len(bad)} unreadable.',
            logger='current',
        )
        if not bad:
            return kept
        emptied = {s['source'] for s in samples} - {s['source'] for s in kept}
        listing = '\n'.join(bad[:_MOST_LISTED])
        if len(bad) > _MOST_LISTED:
            listing += f'\nand {len(bad) - _MOST_LISTED} more'
        share = len(bad) / len(samples)
        if emptied or share > self.max_bad_share:
            reason = (
                f'all files of source(s) {", ".join(sorted(emptied))}'
                if emptied
                else f'more than max_bad_share={self.max_bad_share:.2%}'
            )
            raise BadDataError(
                f'{len(bad)} of {len(samples)} image files ({share:.2%}) '
                f'cannot be read, {reason}. Fetch them anew or take them '
                f'away:\n{listing}'
            )
        print_log(
            f'CellImages: leaves out {len(bad)} of {len(samples)} image '
            f'files ({share:.2%}) that cannot be read:\n{listing}',
            logger='current',
            level=logging.WARNING,
        )
        return kept


def _probe(sample: dict) -> tuple[int, int] | str:
    """The height and width of an image, or why it cannot be read."""
    try:
        return probe_image(sample['img_path'])
    except (BadDataError, MissingDataError) as error:
        return str(error)
