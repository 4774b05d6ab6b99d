"""Hooks of mkdocs: pages made from the code, and checks of the result."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).resolve().parents[2]
if str(_ROOT) not in sys.path:
    sys.path.insert(0, str(_ROOT))

from docs.generators import (  # noqa: E402
    api_pages,
    cli_pages,
    config_pages,
    type_pages,
)
from docs.generators.page_links import PAGES, for_site  # noqa: E402
from docs.generators.site_links import check_site  # noqa: E402

_LOG = logging.getLogger('mkdocs.hooks.site_build')
_SECTIONS = {
    f'{api_pages.FOLDER}/': api_pages.make_nav,
    f'{cli_pages.FOLDER}/': cli_pages.make_nav,
}
# Where pages of docs/ go that mkdocs.yml does not list.
_REST = 'Background'
_EXTERNAL = 'external_links.txt'


def on_config(config: MkDocsConfig, **kwargs: Any) -> MkDocsConfig:
    """Put generated sections, and pages of no section, into the navigation.

    Args:
        config (MkDocsConfig): The site's, changed in place.
        **kwargs: Not used.

    Returns:
        MkDocsConfig: The same.
    """
    nav = _filled(config.nav)
    listed = set(_pages(nav))
    found = sorted(path.name for path in Path(config.docs_dir).glob('*.md'))
    for item in nav:
        if isinstance(item, dict) and _REST in item:
            item[_REST] += [name for name in found if name not in listed]
    config.nav = nav
    return config


def on_files(files: Files, config: MkDocsConfig, **kwargs: Any) -> Files:
    """Add the generated pages.

    Args:
        files (Files): Those of docs/, changed in place.
        config (MkDocsConfig): The site's.
        **kwargs: Not used.

    Returns:
        Files: The same.
    """
    pages: dict[str, str] = {}
    for source, page in PAGES.items():
        if files.get_file_from_path(page) is None:
            pages[page] = (_ROOT / source).read_text(encoding='utf-8')
    for maker in (api_pages, cli_pages, config_pages, type_pages):
        pages |= maker.make_pages()
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **kwargs: Any) -> str:
    """Translate links between files into links between pages.

    Args:
        markdown (str): The text of the page.
        page (Any): mkdocs' page.
        **kwargs: Not used.

    Returns:
        str: The text.

    Raises:
        PluginError: If a link leads to a file without a page.
    """
    path = page.file.src_uri
    sources = {name: source for source, name in PAGES.items()}
    source = sources.get(path, f'docs/{path}')
    if path in sources or page.file.generated_by is None:
        try:
            return for_site(markdown, source, path)
        except ValueError as error:
            raise PluginError(str(error)) from error
    return markdown


def on_post_build(config: MkDocsConfig, **kwargs: Any) -> None:
    """Check the pages as they are.

    Args:
        config (MkDocsConfig): The site's.
        **kwargs: Not used.

    Raises:
        PluginError: If a link leads nowhere, or a page would fetch
            something from the network.
    """
    site = Path(config.site_dir)
    wrong, outside = check_site(site)
    if wrong:
        raise PluginError('\n'.join(wrong))
    (site / _EXTERNAL).write_text(
        ''.join(f'{link}  {page}\n' for link, page in outside.items()),
        encoding='utf-8',
    )
    _LOG.info(
        '%d links to other sites, not followed: %s',
        len(outside),
        site / _EXTERNAL,
    )


def _pages(items: list) -> Iterator[str]:
    for item in items:
        value = next(iter(item.values())) if isinstance(item, dict) else item
        if isinstance(value, list):
            yield from _pages(value)
        else:
            yield value


def _filled(items: list) -> list:
    filled = []
    for item in items:
        if isinstance(item, dict):
            (title, value), *_ = item.items()
            if isinstance(value, list):
                item = {title: _filled(value)}
            elif value in _SECTIONS:
                item = {title: _SECTIONS[value]()}
        filled.append(item)
    return filled
