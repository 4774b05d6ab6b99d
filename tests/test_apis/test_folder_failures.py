import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cupre_mm.apis import image_loading, result_files
from cupre_mm.apis.exporters import EXPORTERS
from cupre_mm.apis.run_journal import JOURNAL
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    NoSpaceError,
)
from tests.checkout import ROOT
from tests.stub_segmenter import (
    StubSegmenter,
    files_below,
    run,
    settings,
    spots,
    write_image,
)


def test_bad_files_are_told_and_the_others_done(folder, out):
    (folder / 'text.tif').write_text('no image')
    (folder / 'empty.png').touch()
    whole = (folder / 'a.png').read_bytes()
    (folder / 'cut.png').write_bytes(whole[: len(whole) // 2])
    write_image(folder / 'stack.tif', np.stack([spots(0)] * 5))
    result, _ = run(folder, out)
    assert result.done_now == 3
    assert set(result.failures) == {
        *('text.tif', 'empty.png', 'cut.png', 'stack.tif'),
    }
    for name, reason in result.failures.items():
        assert str(folder / name) in reason
    assert '0 bytes' in result.failures['empty.png']
    assert '--page' in result.failures['stack.tif']
    again, _ = run(folder, out)
    assert again.failures == result.failures
    assert again.done_now == 0


def test_a_file_that_went_bad_leaves_no_results(folder, out):
    run(folder, out)
    (folder / 'a.png').write_text('no image')
    result, _ = run(folder, out)
    assert list(result.failures) == ['a.png']
    assert not (out / 'label' / 'a.tif').exists()
    assert (out / 'label' / 'b.tif').exists()


def test_an_image_that_goes_away_before_its_outputs(folder, out, monkeypatch):
    class Removing(StubSegmenter):
        def segment_source(self, source, progress=False):
            cells = super().segment_source(source)
            if source.name.endswith('b.png'):
                (folder / 'b.png').write_text('no image')
            return cells

    monkeypatch.setattr(image_loading, '_LARGEST', 100)
    result, _ = run(folder, out, segmenter=Removing())
    assert list(result.failures) == ['b.png']
    assert not (out / 'label' / 'b.tif').exists()
    assert result.done_now == 2


def test_an_image_that_is_deleted_is_its_own_fault(folder, out, monkeypatch):
    class Deleting(StubSegmenter):
        def segment_source(self, source, progress=False):
            cells = super().segment_source(source)
            (folder / 'b.png').unlink(missing_ok=True)
            return cells

    monkeypatch.setattr(image_loading, '_LARGEST', 100)
    result, _ = run(folder, out, segmenter=Deleting())
    assert list(result.failures) == ['b.png']
    assert result.done_now == 2


class Failing(StubSegmenter):
    """Raises at one image."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def segment_source(self, source, progress=False):
        if source.name.endswith('b.png'):
            raise self.error
        return super().segment_source(source)


@pytest.mark.parametrize(
    'error', [BadDataError('too dark'), RuntimeError('CUDA out of memory')]
)
@pytest.mark.parametrize('batch_size', [1, 2])
def test_an_image_that_cannot_be_segmented(folder, out, error, batch_size):
    options = SegmentationOptions(batch_size=batch_size)
    given = settings(options=options)
    result, _ = run(folder, out, given, segmenter=Failing(error))
    assert list(result.failures) == ['b.png']
    assert str(error) in result.failures['b.png']
    assert not (out / 'label' / 'b.tif').exists()
    assert result.done_now == 2


@pytest.mark.parametrize('error', [BadConfigError('no'), KeyboardInterrupt()])
def test_what_ends_the_run_keeps_what_is_done(folder, out, error):
    with pytest.raises(type(error)):
        run(folder, out, segmenter=Failing(error))
    result, segmenter = run(folder, out)
    assert segmenter.seen == ['b.png', 'c.tif']
    assert len(result.records) == 3


def test_a_full_disk_ends_the_run(folder, out, monkeypatch):
    extension, write = EXPORTERS['csv']

    def write_to_full_disk(cells, path, *, source):
        if path.name == 'b.csv':
            with open('/dev/full', 'wb', buffering=0) as full:
                full.write(b'x')
        return write(cells, path, source=source)

    if not Path('/dev/full').exists():
        pytest.skip('no /dev/full here')
    broken = {**EXPORTERS, 'csv': (extension, write_to_full_disk)}
    monkeypatch.setattr(result_files, 'EXPORTERS', broken)
    with pytest.raises(NoSpaceError, match='no space left'):
        run(folder, out)
    assert set(files_below(out)) == {'label/a.tif', 'csv/a.csv'}
    monkeypatch.undo()
    result, segmenter = run(folder, out)
    assert segmenter.seen == ['b.png', 'c.tif']
    assert len(result.records) == 3


@pytest.mark.skipif(not Path('/proc/self').exists(), reason='no /proc here')
def test_an_output_folder_that_cannot_be_written(folder):
    with pytest.raises(BadConfigError, match='cannot be written'):
        run(folder, Path('/proc/out'))


KILLED = """
import os, signal, sys, time
from pathlib import Path
from cupre_mm.apis.run_journal import JOURNAL
from tests.stub_segmenter import StubSegmenter, run

class Killed(StubSegmenter):
    def segment_source(self, source, progress=False):
        if len(self.seen) == 2:
            # Results are written in the background.
            while len((OUT / JOURNAL).read_text().splitlines()) < 2:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().segment_source(source)

OUT = Path(sys.argv[2])
run(Path(sys.argv[1]), OUT, segmenter=Killed())
"""


@pytest.mark.skipif(os.name == 'nt', reason='no SIGKILL')
def test_a_killed_run_goes_on(folder, out, tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', KILLED, str(folder), str(out)],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    part = out / 'label' / 'sub' / '.c.tif.1.part'
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b'half')
    with (out / JOURNAL).open('ab') as journal:
        journal.write(b'{"name": "sub/c.tif", "fil')
    result, segmenter = run(folder, out)
    assert segmenter.seen == ['c.tif']
    assert len(result.records) == 3
    assert not part.exists()
    uninterrupted = tmp_path / 'whole'
    run(folder, uninterrupted)
    assert files_below(out) == files_below(uninterrupted)
