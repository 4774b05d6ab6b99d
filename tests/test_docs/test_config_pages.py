from docs.generators.config_pages import PAGE, bases_of, make_pages, purpose
from docs.generators.repository import configs
from tests.checkout import ROOT


def test_every_config_is_listed_with_a_purpose():
    page = make_pages()[PAGE]
    rows = [line for line in page.splitlines() if line.startswith('| `')]
    assert len(rows) == len(list(configs())) > 80
    empty = [row for row in rows if row.split('|')[2].strip() == '']
    assert empty == []


def test_bases_are_paths_in_the_project_or_of_another_package():
    name = 'configs/_base_/models/cells_cascade-mask-rcnn_r50_fpn.py'
    source = (ROOT / name).read_text()
    assert bases_of(name, source) == [
        'mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py'
    ]
    for name in configs():
        for base in bases_of(name, (ROOT / name).read_text()):
            assert '::' in base or (ROOT / base).is_file(), (name, base)


def test_purpose_is_the_first_paragraph_of_the_comment_at_the_head():
    assert purpose('# One\n# two.\n#\n# Three.\nx = 1\n') == 'One two.'
    assert purpose('"""Doc\nstring.\n\nMore."""\n') == 'Doc string.'
    assert purpose('x = 1\n# Later.\n') == ''
