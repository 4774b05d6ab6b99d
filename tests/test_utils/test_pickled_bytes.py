import pickle

import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.pickled_bytes import bytes_of_text


def test_gives_back_what_a_pickle_of_protocol_2_was_made_of():
    every = bytes(range(256))
    assert b'latin1' in pickle.dumps(every, 2)
    assert bytes_of_text(every.decode('latin1'), 'latin1') == every


@pytest.mark.parametrize('encoding', ['rot13', 'zip', 'utf-8'])
def test_another_codec_is_refused(encoding):
    with pytest.raises(BadDataError, match=encoding):
        bytes_of_text('x', encoding)
