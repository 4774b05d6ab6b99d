"""The files that a run over folders writes for each image."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cupre_mm.apis.exporters import EXPORTERS
from cupre_mm.apis.folder_inputs import FolderInputs
from cupre_mm.apis.run_journal import (
    RunJournal,
    describe_output,
    set_aside,
)
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.errors import BadConfigError, NoSpaceError, UserError

_FULL = (errno.ENOSPC, errno.EDQUOT)


class ResultFiles:
    """A folder for each format, with the folders of the images in it.

    Args:
        out (Path): The output folder.
        formats (Sequence[str]): Names of the formats, of ``EXPORTERS``.
        compress (bool): Whether label images are compressed. Defaults to
            False.

    Raises:
        BadConfigError: If there is no such format.
    """

    def __init__(
        self, out: Path, formats: Sequence[str], compress: bool = False
    ) -> None:
        self._out = out
        self._options: dict[str, dict[str, Any]] = {
            'label': {'compress': compress}
        }
        self._formats = tuple(dict.fromkeys(formats))
        unknown = sorted(set(formats) - set(EXPORTERS))
        if unknown or not formats:
            raise BadConfigError(
                f'--outputs {" ".join(unknown) or "of nothing"}: choose from '
                f'{" ".join(EXPORTERS)}'
            )

    def check_apart_from(self, inputs: FolderInputs) -> None:
        """Make sure that no result would be written among the images.

        Args:
            inputs (FolderInputs): The images.

        Raises:
            BadConfigError: If one would.
        """
        out, root = self._out.resolve(), inputs.root.resolve()
        if out in (root, *root.parents):
            for name in self._formats:
                folder = out / name
                if folder in (root, *root.parents) or root in folder.parents:
                    raise BadConfigError(
                        f'{folder}, where {name} files go, is among the '
                        'images: choose another output folder'
                    )

    def prepare(self) -> None:
        """Make the folder, try it, and clear what a killed run has left."""
        make_folder(self._out)
        with tempfile.NamedTemporaryFile(dir=self._out, prefix='.try_'):
            pass
        for name in EXPORTERS:
            for part in (self._out / name).rglob('.*.part'):
                part.unlink(missing_ok=True)

    def check_unclaimed(self, journal: RunJournal) -> None:
        """Make sure that no file of somebody else is written over.

        Args:
            journal (RunJournal): What earlier runs have written.

        Raises:
            BadConfigError: If the folder has results and no journal.
        """
        if not journal.is_new:
            return
        for name in self._formats:
            folder = self._out / name
            if folder.is_dir() and any(folder.iterdir()):
                raise BadConfigError(
                    f'{folder} holds files, and no journal in {self._out} '
                    'says that this tool has written them: choose another '
                    'output folder, or remove them'
                )

    def write(
        self,
        source: SourceInfo,
        stem: str,
        cells: Segmentation,
    ) -> dict[str, dict[str, Any]]:
        """Write all formats of an image.

        Args:
            source (SourceInfo): The image.
            stem (str): Name of the results.
            cells (Segmentation): The cells.

        Returns:
            dict[str, dict]: What was written, by format.
        """
        written: list[Path] = []
        try:
            for name in self._formats:
                extension, write = EXPORTERS[name]
                target = self._out / name / f'{stem}{extension}'
                make_folder(target.parent)
                written.append(target)
                options = self._options.get(name, {})
                write(cells, target, source=source, **options)
        except BaseException:
            # A label image without its table must not look finished.
            for target in written:
                target.unlink(missing_ok=True)
            raise
        return {
            name: describe_output(self._out, target)
            for name, target in zip(self._formats, written)
        }

    def set_aside(self, output: Mapping[str, Any]) -> Path | None:
        """See :func:`.run_journal.set_aside`.

        Args:
            output (Mapping[str, Any]): What an earlier run has written.

        Returns:
            Path: Where an edited file lies now, or None.
        """
        return set_aside(self._out, output)


@contextmanager
def output_errors(out: Path) -> Iterator[None]:
    """Say in one line what the file system refuses.

    Args:
        out (Path): The output folder.

    Raises:
        NoSpaceError: If the disk is full.
        BadConfigError: If the folder cannot be written.
    """
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        goes_on = (
            'What was finished before is whole; run the same command again '
            'then, it goes on from here'
        )
        if error.errno in _FULL:
            raise NoSpaceError(
                f'{out}: no space left to write ({error.strerror}; without '
                f'the file begun last, {_free(out)} bytes are free): make '
                f'room. {goes_on}'
            ) from error
        if error.errno == errno.EFBIG:
            raise NoSpaceError(
                f'{out}: a file is larger than the file system, or the limit '
                f'that ulimit -f shows, allows ({error.strerror}): have it '
                f'raised, or give --compress. {goes_on}'
            ) from error
        raise BadConfigError(
            f'the output folder {out} cannot be written ({error}): choose '
            'another one, or have its permissions changed'
        ) from error


def _free(folder: Path) -> str:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return f'{shutil.disk_usage(folder).free:,}'
    except OSError:
        return 'unknown'
