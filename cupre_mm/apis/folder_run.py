"""Segments the images of folders, and goes on where a run was cut off."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from cupre_mm.apis.batch_segmentation import (
    Segmenter,
    batches,
    ends_run,
    reason_of,
    segment_batch,
)
from cupre_mm.apis.folder_inputs import FolderInputs, output_stems
from cupre_mm.apis.folder_settings import FolderSettings
from cupre_mm.apis.image_loading import LoadedImage, load_images
from cupre_mm.apis.result_files import ResultFiles, output_errors
from cupre_mm.apis.run_journal import Record, RunJournal
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.write_queue import WriteQueue
from cupre_mm.utils.cell_preparation.raw_sources import RawFile
from cupre_mm.utils.errors import BadConfigError

# Images whose results may wait to be written.
_UNWRITTEN = 4


@dataclass
class FolderResult:
    """What a run has done.

    Attributes:
        records (list[Record]): What is known of each image, in the order of
            the files: those of earlier runs too.
        failures (dict[str, str]): Why a file, or an image of it, could not
            be segmented, by name.
        changed (list[Path]): Results of earlier runs that were edited, and
            where they are kept.
        done_now (int): Images segmented by this run.
        seconds (float): What it took.
    """

    records: list[Record] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    changed: list[Path] = field(default_factory=list)
    done_now: int = 0
    seconds: float = 0.0


def segment_folder(
    inputs: FolderInputs,
    out: Path,
    settings: FolderSettings,
    make_segmenter: Callable[[], Segmenter],
    *,
    workers: int = 0,
    force: bool = False,
    progress: bool = True,
) -> FolderResult:
    """Segment images and write what is wanted of each.

    Images whose results are whole, and that have not changed since, nor the
    settings, are left as they are. What cannot be read is told in the
    result, and the others are done. Results are written in the background,
    while the next images are segmented.

    Args:
        inputs (FolderInputs): The images.
        out (Path): The output folder.
        settings (FolderSettings): What to do and to write.
        make_segmenter (Callable[[], Segmenter]): Makes what segments. Not
            called if there is nothing to segment.
        workers (int): Processes that decode images; 0 decodes in this one.
            Defaults to 0.
        force (bool): Whether all is done anew. Defaults to False.
        progress (bool): Whether bars are shown. Defaults to True.

    Returns:
        FolderResult: What became of the images.

    Raises:
        BadConfigError: If the output folder cannot be written, or holds what
            is not of this function.
        NoSpaceError: If the disk is full; what was done by then is kept.
    """
    begin = time.monotonic()
    files = ResultFiles(out, settings.outputs, settings.compress)
    files.check_apart_from(inputs)
    with output_errors(out):
        files.prepare()
        journal = RunJournal(out)
        run = _FolderRun(inputs, out, settings, journal, files, force)
        files.check_unclaimed(journal)
        journal.start()
        run.forget_outdated()
    bar = tqdm(
        total=len(inputs.files),
        initial=len(inputs.files) - len(run.todo),
        unit='file',
        disable=not progress,
    )
    loaded = load_images(
        run.todo, settings.selection, settings.series, workers
    )
    segmenter = None
    with bar, WriteQueue(run.write) as queue:
        for batch in batches(
            run.watch(loaded, bar), settings.options.batch_size
        ):
            if segmenter is None:
                segmenter = make_segmenter()
            for image, cells in segment_batch(segmenter, batch, progress):
                if isinstance(cells, str):
                    run.settle(image, cells, bar)
                    continue
                queue.put(image, cells)
                # One that is read in parts is to take its memory alone.
                ahead = 0 if image.pixels is None else _UNWRITTEN
                for written, outcome in queue.done(ahead):
                    run.settle(written, outcome, bar)
        for written, outcome in queue.done():
            run.settle(written, outcome, bar)
    result = run.result()
    result.seconds = time.monotonic() - begin
    return result


class _FolderRun:
    """What is done and what is left."""

    def __init__(
        self,
        inputs: FolderInputs,
        out: Path,
        settings: FolderSettings,
        journal: RunJournal,
        files: ResultFiles,
        force: bool,
    ) -> None:
        self._inputs = inputs
        self._out = out
        self._settings = settings
        self._journal = journal
        self._files = files
        self._result = FolderResult()
        self._done: dict[str, dict[str, Record]] = {}
        self._left: dict[str, int] = {}
        names = [file.name for file in inputs.files]
        self.stems = output_stems(names, journal.stems_of_others(names))
        self.todo: list[tuple[RawFile, frozenset[str]]] = []
        for file in inputs.files:
            self._refuse_other(file)
            known = []
            if not force:
                known = journal.whole_records(
                    file.name, self._fingerprint(file)
                )
            self._done[file.name] = {one['suffix']: one for one in known}
            suffixes = set(self._done[file.name])
            if not known or suffixes < set(known[0]['suffixes']):
                self.todo.append((file, frozenset(suffixes)))

    def forget_outdated(self) -> None:
        """Remove results that are about to be made anew."""
        gone = []
        for file, done in self.todo:
            for record in self._journal.records_of(file.name):
                if record['suffix'] in done:
                    continue
                gone.append(record['name'])
                for output in record['outputs'].values():
                    kept = self._files.set_aside(output)
                    if kept is not None:
                        self._result.changed.append(kept)
        self._journal.forget(gone)

    def watch(
        self, loaded: Iterator[LoadedImage], bar: tqdm
    ) -> Iterator[LoadedImage]:
        """Take note of what cannot be read, and pass on the rest."""
        for image in loaded:
            name = image.file.name
            self._left.setdefault(
                name, len(image.suffixes) - len(self._done[name])
            )
            if image.error is None:
                yield image
                continue
            self.settle(image, image.error, bar)

    def write(self, image: LoadedImage, cells: Segmentation) -> Record | str:
        """Write the results of an image, and after them its record.

        Runs in the background, one image at a time, and shares the journal
        with nobody.

        Args:
            image (LoadedImage): The image.
            cells (Segmentation): Its cells.

        Returns:
            Record | str: The record, or why the image has none.
        """
        suffix = image.part.suffix
        stem = self.stems[image.file.name]
        try:
            with output_errors(self._out):
                outputs = self._files.write(image.source, stem + suffix, cells)
                record = {
                    'name': image.name,
                    'file': image.file.name,
                    'path': image.file.path,
                    'stem': stem,
                    'suffix': suffix,
                    'suffixes': list(image.suffixes),
                    'fingerprint': self._fingerprint(image.file),
                    'outputs': outputs,
                    'shape': list(cells.shape),
                    'cells': len(cells),
                    'factor': cells.factor,
                    'tiles': cells.num_tiles,
                    'counts': {
                        name: int(count)
                        for name, count in sorted(cells.counts.items())
                    },
                    'notes': list(image.notes),
                }
                self._journal.append(record)
        except Exception as error:
            if ends_run(error):
                raise
            return reason_of(image, error)
        return record

    def settle(
        self, image: LoadedImage, outcome: Record | str, bar: tqdm
    ) -> None:
        """Take note of what became of an image, and move the bar.

        Args:
            image (LoadedImage): The image.
            outcome (Record | str): Its record, or why there is none.
            bar (tqdm): Counts files.
        """
        name = image.file.name
        if isinstance(outcome, str):
            self._result.failures[image.name] = outcome
            tqdm.write(f'failed: {outcome}', file=sys.stderr)
        else:
            self._done[name][image.part.suffix] = outcome
            self._result.done_now += 1
        self._left[name] -= 1
        # Of a file that cannot be opened it is not known how many there are.
        if self._left[name] == 0 or image.part is None:
            bar.update()

    def result(self) -> FolderResult:
        """Put together what is known of all images."""
        self._result.records = [
            record
            for file in self._inputs.files
            for _, record in sorted(self._done[file.name].items())
        ]
        return self._result

    def _fingerprint(self, file: RawFile) -> str:
        stem = self.stems[file.name]
        return f'{self._settings.fingerprint} {file.fingerprint} {stem}'

    def _refuse_other(self, file: RawFile) -> None:
        for record in self._journal.records_of(file.name):
            if record['path'] != file.path and Path(record['path']).is_file():
                raise BadConfigError(
                    f'the output folder has the results of {record["path"]}, '
                    f'and {file.path} would take their place: choose another '
                    'output folder'
                )
