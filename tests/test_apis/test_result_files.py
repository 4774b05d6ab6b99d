import errno
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cupre_mm.apis import result_files
from cupre_mm.apis.exporters import EXPORTERS
from cupre_mm.apis.folder_inputs import FolderInputs
from cupre_mm.apis.result_files import ResultFiles, output_errors
from cupre_mm.apis.run_journal import RunJournal, is_as_written
from cupre_mm.apis.source_info import array_source_info
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    NoSpaceError,
)
from tests.segmented_cells import odd_cells
from tests.stub_segmenter import files_below


@pytest.mark.parametrize('formats', [(), ('label', 'jpeg')])
def test_formats_that_do_not_exist(tmp_path, formats):
    with pytest.raises(BadConfigError, match='choose from label csv'):
        ResultFiles(tmp_path, formats)


@pytest.mark.parametrize('compress', [False, True])
def test_all_formats_of_an_image_are_written_and_described(tmp_path, compress):
    cells = odd_cells()
    source = array_source_info(np.zeros(cells.shape, np.uint8))
    files = ResultFiles(tmp_path, tuple(EXPORTERS), compress)
    written = files.write(source, 'plate/a', cells)
    assert set(written) == set(EXPORTERS)
    assert {one['path'] for one in written.values()} == set(
        files_below(tmp_path)
    )
    assert all(is_as_written(tmp_path, one) for one in written.values())
    with tifffile.TiffFile(tmp_path / 'label' / 'plate' / 'a.tif') as tiff:
        assert (tiff.pages[0].compression == 8) == compress
        np.testing.assert_array_equal(tiff.asarray(), cells.label_image())


def test_nothing_is_left_of_an_image_of_which_one_format_fails(
    tmp_path, monkeypatch
):
    def fail(cells, path, *, source):
        raise BadDataError('no')

    monkeypatch.setattr(
        result_files, 'EXPORTERS', {**EXPORTERS, 'csv': ('.csv', fail)}
    )
    files = ResultFiles(tmp_path, ('label', 'csv'))
    with pytest.raises(BadDataError):
        files.write(array_source_info(np.zeros((60, 80))), 'a', odd_cells())
    assert not files_below(tmp_path)


def test_what_a_killed_run_left_half_is_cleared(tmp_path):
    part = tmp_path / 'out' / 'label' / 'sub' / '.a.tif.1.part'
    part.parent.mkdir(parents=True)
    part.touch()
    mine = part.with_name('mine.part')
    mine.touch()
    ResultFiles(tmp_path / 'out', ('csv',)).prepare()
    assert not part.exists()
    assert mine.exists()


def test_a_file_in_the_place_of_the_output_folder(tmp_path):
    (tmp_path / 'out').touch()
    with pytest.raises(BadConfigError, match='in the way'):
        ResultFiles(tmp_path / 'out', ('label',)).prepare()


def test_results_of_somebody_else(tmp_path):
    files = ResultFiles(tmp_path, ('label',))
    files.check_unclaimed(RunJournal(tmp_path))
    (tmp_path / 'label').mkdir()
    (tmp_path / 'label' / 'mine.tif').touch()
    with pytest.raises(BadConfigError, match='no journal'):
        files.check_unclaimed(RunJournal(tmp_path))
    RunJournal(tmp_path).start()
    files.check_unclaimed(RunJournal(tmp_path))


@pytest.mark.parametrize(
    ('images', 'out', 'is_apart'),
    [
        ('cells', 'out', True),
        ('cells', 'cells/out', True),
        ('cells', '.', True),
        ('label', '.', False),
        ('label/plate', '.', False),
        ('.', '.', False),
    ],
)
def test_results_never_lie_among_the_images(tmp_path, images, out, is_apart):
    files = ResultFiles(tmp_path / out, ('label',))
    inputs = FolderInputs([], tmp_path / images)
    if is_apart:
        files.check_apart_from(inputs)
    else:
        with pytest.raises(BadConfigError, match='among the images'):
            files.check_apart_from(inputs)


@pytest.mark.parametrize(
    ('number', 'reason'),
    [
        (errno.ENOSPC, r'[\d,]+ bytes are free'),
        (errno.EDQUOT, r'[\d,]+ bytes are free'),
        (errno.EFBIG, 'ulimit -f'),
    ],
)
def test_a_full_disk_and_a_file_that_is_too_large(tmp_path, number, reason):
    with (
        pytest.raises(NoSpaceError, match=reason),
        output_errors(tmp_path / 'not' / 'there'),
    ):
        raise OSError(number, 'full')


def test_other_refusals_of_the_file_system(tmp_path):
    with (
        pytest.raises(BadConfigError, match='cannot be written'),
        output_errors(tmp_path),
    ):
        raise PermissionError(errno.EACCES, 'denied')
    with pytest.raises(BadDataError), output_errors(Path()):
        raise BadDataError('is as it was')
