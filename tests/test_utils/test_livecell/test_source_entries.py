import json

import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.livecell import source_entries
from cupre_mm.utils.livecell.source_files import SourceFile


@pytest.mark.parametrize('keyed', [True, False])
def test_the_bar_has_counted_the_whole_file(tmp_path, monkeypatch, keyed):
    bars = []

    class KeptBar(source_entries.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            bars.append(self)

    monkeypatch.setattr(source_entries, 'tqdm', KeptBar)
    entries = [{'id': number} for number in range(9000)]
    content = {str(e['id']): e for e in entries} if keyed else entries
    (tmp_path / 'a.json').write_text(json.dumps({'annotations': content}))
    size = (tmp_path / 'a.json').stat().st_size
    source = SourceFile(tmp_path, 'a.json', size, '', False)
    found = list(source_entries.entries_with_bar(source, 'annotations'))
    assert found == entries
    assert bars[0].n == bars[0].total == size


@pytest.mark.parametrize('key', ['images', 'annotations'])
def test_an_entry_that_is_no_mapping_is_refused(tmp_path, key):
    (tmp_path / 'a.json').write_text(json.dumps({key: [{}, 5]}))
    source = SourceFile(tmp_path, 'a.json', 10, '', False)
    with pytest.raises(BadDataError, match=f'json: its {key} have an entry 5'):
        list(source_entries.entries_with_bar(source, key))
