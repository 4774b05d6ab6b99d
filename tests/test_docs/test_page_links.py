from pathlib import Path

import pytest

from docs.generators import api_pages, cli_pages, config_pages
from docs.generators.api_pages import page_of
from docs.generators.page_links import (
    broken_links,
    for_site,
    is_well_formed,
    links_of,
    slug,
)
from docs.generators.repository import modules, tools
from tests.checkout import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ('*.md', 'data/README.md', 'docs/**/*.md')
    for path in ROOT.glob(pattern)
)
MADE = {
    f'docs/{page}'
    for page in (
        *map(page_of, modules()),
        *(f'{cli_pages.FOLDER}/{Path(tool).stem}.md' for tool in tools()),
        f'{cli_pages.FOLDER}/index.md',
        f'{api_pages.FOLDER}/index.md',
        config_pages.PAGE,
        'reference/types.md',
    )
}


@pytest.mark.parametrize('page', PAGES)
def test_links_of_each_page_lead_somewhere(page):
    assert broken_links(ROOT / page, ROOT, MADE) == []


def test_a_link_to_a_file_or_heading_that_is_not_there_is_found(tmp_path):
    (tmp_path / 'b.md').write_text('# One, two & 3\n')
    page = tmp_path / 'a.md'
    page.write_text(
        '[good](b.md#one-two--3) [no file](c.md) [`no` heading](b.md#four) '
        '[outside](../a.md) `[code](d.md)`\n```\n[code](e.md)\n```\n'
        '<https://exa mple.org> [host](https://nohost/x) '
        '[fine](https://example.org/x?y=1#z)\n'
    )
    wrong = broken_links(page, tmp_path)
    assert len(wrong) == 4
    for text in ('c.md', 'b.md#four', '../a.md', 'https://nohost/x'):
        assert any(text in line for line in wrong)


@pytest.mark.parametrize(
    ('link', 'good'),
    [
        ('https://arxiv.org/abs/2310.03981', True),
        ('mailto:someone@example.org', True),
        ('https:/example.org', False),
        ('https://', False),
        ('ftp://example.org', False),
        ('https://example.org/a|b', False),
        ('http://[::1', False),
    ],
)
def test_addresses_are_checked_for_their_form(link, good):
    assert is_well_formed(link) is good


def test_links_between_files_become_links_between_pages():
    text = '[a](docs/howto/predict.md#speed) [b](data/README.md) `[c](x.py)`'
    assert for_site(text, 'README.md', 'index.md') == (
        '[a](howto/predict.md#speed) [b](data.md) `[c](x.py)`'
    )
    text = '[`d`](../../data/README.md#demo-data) [e](../tutorial.md)'
    page = 'howto/predict.md'
    assert for_site(text, f'docs/{page}', page) == (
        '[`d`](../data.md#demo-data) [e](../tutorial.md)'
    )


def test_a_link_to_a_file_without_a_page_is_an_error():
    with pytest.raises(ValueError, match='links to configs/amt2'):
        for_site('[a](configs/amt2.py)', 'README.md', 'index.md')


def test_links_in_code_are_no_links():
    assert list(links_of('`a[0](b)` [`x`](y.md)')) == ['y.md']


def test_anchors_are_made_as_the_site_does():
    toc = pytest.importorskip('markdown.extensions.toc')
    for title in ('I have images', 'NaN, collapse, forgetting', 'A_b 2.0 x'):
        assert slug(title) == toc.slugify(title, '-')
