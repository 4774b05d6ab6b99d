import pytest

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.livecell.cell_types import (
    CELL_TYPES,
    cell_type_named,
    cell_type_of,
    parse_cell_types,
)


def test_the_cell_type_is_read_from_the_file_name():
    for kind in CELL_TYPES:
        assert cell_type_of(f'{kind}_Phase_C7_1_02d16h00m_2.tif') == kind
    nested = 'images/x/BV2_Phase_A4_2_03d00h00m_1.tif'
    assert cell_type_of(nested) == 'BV2'
    assert cell_type_of(nested.replace('/', '\\')) == 'BV2'


@pytest.mark.parametrize(
    'name',
    [
        'HeLa_Phase_C7_1_02d16h00m_2.tif',
        'A172_C7_1_02d16h00m_2.tif',
        'A172_Phase_C7_1_02d16h00m_2.png',
        'copy of A172_Phase_C7_1_02d16h00m_2.tif',
        'A172.tif',
    ],
)
def test_other_names_have_no_cell_type(name):
    assert cell_type_of(name) is None


def test_spellings_of_cell_types():
    assert cell_type_named('a172') == 'A172'
    assert cell_type_named('BV-2') == 'BV2'
    assert cell_type_named('SKBR3') == 'SkBr3'
    assert cell_type_named('train') is None


def test_words_of_the_user_become_types_in_the_papers_order():
    assert parse_cell_types(['skov3', 'bv2', 'BV-2']) == ('BV2', 'SKOV3')
    with pytest.raises(BadConfigError, match=r"\['hela'\].*A172, BT474"):
        parse_cell_types(['bv2', 'hela'])
    with pytest.raises(BadConfigError):
        parse_cell_types([])
