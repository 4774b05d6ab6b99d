import itertools
import unicodedata

from cupre_mm.utils.cell_preparation.output_names import output_stems


def test_a_name_does_not_depend_on_its_neighbours():
    alone = output_stems(['day 1/a.tif'])
    beside = output_stems(['day 1/a.tif', 'day 1/a.png', 'day 2/a.tif'])
    assert alone['day 1/a.tif'] == beside['day 1/a.tif'] == 'day 1/a.tif'
    assert len(set(beside.values())) == 3


def test_no_two_images_of_any_files_meet():
    names = ['a.tif', 'a.png', 'a.tif.png', 'a_z001.tif', 'a.tif_z001.png']
    suffixes = ['', '_z001', '_z001_c0', '_tile_y00000_x01024']
    files = [
        stem + suffix + '.png'
        for stem, suffix in itertools.product(
            output_stems(names).values(), suffixes
        )
    ]
    assert len(set(files)) == len(names) * len(suffixes)


def test_names_that_meet_on_other_file_systems_are_told_apart():
    decomposed = unicodedata.normalize('NFD', 'é.tif')
    stems = output_stems(['A/x.tif', 'a/X.TIF', 'é.tif', decomposed, 'b.tif'])
    assert stems['b.tif'] == 'b.tif'
    folded = {
        unicodedata.normalize('NFC', stem).casefold()
        for stem in stems.values()
    }
    assert len(folded) == 5
