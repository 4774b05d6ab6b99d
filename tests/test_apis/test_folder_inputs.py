import pytest

from cupre_mm.apis.folder_inputs import output_stems
from cupre_mm.utils.errors import (
    BadConfigError,
    MissingDataError,
)
from tests.stub_segmenter import (
    files_below,
    run,
    settings,
    spots,
    write_image,
)


def test_hidden_files_and_an_output_folder_inside_are_no_input(folder):
    write_image(folder / '.a.png', spots(0))
    first, _ = run(folder, folder / 'out')
    write_image(folder / 'out' / 'x.png', spots(0))
    second, _ = run(folder, folder / 'out')
    for result in (first, second):
        names = [record['file'] for record in result.records]
        assert names == ['a.png', 'b.png', 'sub/c.tif']


def test_images_are_not_left_out_for_lying_in_the_output_folder(folder):
    with pytest.raises(BadConfigError, match='1 images'):
        run(folder, folder / 'sub')


def test_the_folder_of_the_images_is_no_output_folder(folder):
    before = files_below(folder)
    with pytest.raises(BadConfigError, match='folder of the images'):
        run(folder, folder / 'sub' / '..')
    assert files_below(folder) == before


def test_results_would_lie_among_the_images(folder):
    images = folder / 'label'
    write_image(images / 'x.png', spots(0))
    with pytest.raises(BadConfigError, match='among the images'):
        run(images, folder)


def test_files_of_somebody_else_are_not_written_over(folder, out):
    (out / 'label').mkdir(parents=True)
    (out / 'label' / 'a.tif').write_text('mine')
    with pytest.raises(BadConfigError, match='no journal'):
        run(folder, out)
    assert (out / 'label' / 'a.tif').read_text() == 'mine'


def test_an_unknown_format(folder, out):
    with pytest.raises(BadConfigError, match='jpeg'):
        run(folder, out, settings(outputs=('label', 'jpeg')))


def test_a_folder_without_images(tmp_path, out):
    (tmp_path / 'notes.txt').write_text('')
    folder = tmp_path / 'empty'
    folder.mkdir()
    (folder / 'movie.czi').touch()
    with pytest.raises(MissingDataError, match=r'1 \.czi'):
        run(folder, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ('names', 'taken', 'stems'),
    [
        (['a.tif', 'sub/a.tif'], [], ['a', 'sub/a']),
        (['a.png', 'a.tif'], [], ['a.png', 'a.tif']),
        (['a.png', 'A.tif'], [], ['a.png', 'A.tif']),
        (['a.tif'], ['a'], ['a.tif']),
        (['a.tif'], ['a', 'a.tif'], ['a.tif~2']),
        (['a.tif', 'a_z001.tif'], [], ['a.tif', 'a_z001']),
        (['a.tif'], ['a_s0_t001_c2'], ['a.tif']),
        (['x.ome.tif'], [], ['x.ome']),
    ],
)
def test_names_of_results(names, taken, stems):
    found = output_stems(names, taken)
    assert [found[name] for name in names] == stems
