"""Checks the links of the pages that were built."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docs.generators.page_links import is_well_formed

# What a browser fetches by itself when it opens a page.
_FETCHED = {
    ('script', 'src'),
    ('img', 'src'),
    ('iframe', 'src'),
    ('source', 'src'),
    ('video', 'src'),
}
_FETCHED_RELATIONS = {'stylesheet', 'preconnect', 'preload', 'icon'}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.fetched: set[str] = set()

    def handle_starttag(
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        values = dict(attrs)
        for name in ('id', 'name'):
            if values.get(name) and (name == 'id' or tag == 'a'):
                self.anchors.add(values[name] or '')
        for name in ('href', 'src'):
            target = values.get(name)
            if target is None:
                continue
            relations = set((values.get('rel') or '').split())
            if (tag, name) in _FETCHED or (
                tag == 'link' and relations & _FETCHED_RELATIONS
            ):
                self.fetched.add(target)
            if tag != 'link' or relations & _FETCHED_RELATIONS:
                self.links.add(target)


def check_site(site: Path) -> tuple[list[str], dict[str, str]]:
    """Follow every link of every page.

    Args:
        site (Path): The folder that was built.

    Returns:
        tuple[list[str], dict[str, str]]: What is wrong, and a page for each
        address outside, none of which is fetched.
    """
    pages: dict[Path, _Page] = {}
    for path in sorted(site.resolve().rglob('*.html')):
        page = _Page()
        page.feed(path.read_text(encoding='utf-8'))
        pages[path] = page
    wrong: list[str] = []
    outside: dict[str, str] = {}
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        # The page of an error may be shown at any depth.
        if name == '404.html':
            continue
        for target in page.fetched:
            if urlsplit(target).netloc:
                wrong.append(f'{name} fetches {target}')
        for link in page.links:
            if urlsplit(link).scheme or urlsplit(link).netloc:
                outside.setdefault(link, name)
                if not is_well_formed(link):
                    wrong.append(f'{name}: {link} is no address')
            elif not _leads_somewhere(link, path, pages):
                wrong.append(f'{name}: {link} leads nowhere')
    return sorted(wrong), dict(sorted(outside.items()))


def _leads_somewhere(link: str, path: Path, pages: dict[Path, _Page]) -> bool:
    name, _, anchor = link.partition('#')
    target = path
    if name:
        target = (path.parent / unquote(name.partition('?')[0])).resolve()
    if target.is_dir():
        target /= 'index.html'
    if target not in pages:
        return target.is_file()
    # Material's own link to the top of a page.
    return not anchor or unquote(anchor) in {*pages[target].anchors, '__top'}
