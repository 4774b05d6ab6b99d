"""Links of Markdown files: their translation for the site, and checks."""

import posixpath
import re
from collections.abc import Container, Iterator
from pathlib import Path
from urllib.parse import urlsplit

# Pages that are files of the project outside docs/.
PAGES = {
    'README.md': 'index.md',
    'CHANGELOG.md': 'changelog.md',
    'data/README.md': 'data.md',
    'SECURITY.md': 'reporting.md',
}
_FENCE = re.compile(r'(?ms)^(?P<fence>```+|~~~+).*?^(?P=fence)\s*$')
_CODE = re.compile(r'`[^`\n]*`')
_LINK = re.compile(
    r'(?P<before>!?\[[^\]]*\]\()(?P<target>[^)\s]+)(?P<after>\))'
)
_BARE = re.compile(r'<(?P<target>https?://[^>\s]+)>')
_HEADING = re.compile(r'(?m)^#{1,6}\s+(?P<title>.+?)\s*#*$')


def for_site(text: str, source: str, page: str) -> str:
    """Make the links of a file those of a page.

    Args:
        text (str): The file.
        source (str): Its path below the project's root.
        page (str): Path of the page in the site's source.

    Returns:
        str: The page.

    Raises:
        ValueError: If a link leads to a file that the site does not have.
    """
    code = _code_spans(text)

    def translate(found: re.Match[str]) -> str:
        if any(start <= found.start() < end for start, end in code):
            return found[0]
        target, hash_mark, anchor = found['target'].partition('#')
        if not target or urlsplit(target).scheme:
            return found[0]
        path = posixpath.normpath(
            posixpath.join(posixpath.dirname(source), target)
        )
        if path in PAGES:
            path = PAGES[path]
        elif path.startswith('docs/'):
            path = path.removeprefix('docs/')
        else:
            raise ValueError(
                f'{source} links to {target}, which is no page of the site: '
                'write the path as code, without a link'
            )
        path = posixpath.relpath(path, posixpath.dirname(page) or '.')
        return f'{found["before"]}{path}{hash_mark}{anchor}{found["after"]}'

    return _LINK.sub(translate, text)


def links_of(text: str) -> Iterator[str]:
    """List where a Markdown file links to.

    Args:
        text (str): The file.

    Yields:
        str: Targets as they are written; those in code are left out.
    """
    code = _code_spans(text)
    for pattern in (_LINK, _BARE):
        for found in pattern.finditer(text):
            if not any(start <= found.start() < end for start, end in code):
                yield found['target']


def anchors_of(text: str) -> set[str]:
    """List the anchors of a Markdown file's headings.

    Args:
        text (str): The file.

    Returns:
        set[str]: As GitHub and the site make them.
    """
    return {
        slug(found['title'])
        for found in _HEADING.finditer(_FENCE.sub('', text))
    }


def slug(title: str) -> str:
    """Make the anchor of a heading.

    Args:
        title (str): The heading.

    Returns:
        str: The anchor.
    """
    words = re.sub(r'[^\w\s-]', '', title.lower()).strip()
    return re.sub(r'\s', '-', words)


def broken_links(
    path: Path, root: Path, made: Container[str] = ()
) -> list[str]:
    """Find links of a Markdown file that lead nowhere.

    Args:
        path (Path): The file.
        root (Path): The project's root, which no link may leave.
        made (Container[str]): Paths below it of pages that are there when
            the site is built. Their headings are not looked at. Defaults to
            none.

    Returns:
        list[str]: What is wrong with each.
    """
    text = path.read_text(encoding='utf-8')
    found = []
    for link in links_of(text):
        if urlsplit(link).scheme:
            if not is_well_formed(link):
                found.append(f'{path}: {link} is no address')
            continue
        name, _, anchor = link.partition('#')
        target = (path.parent / name).resolve() if name else path
        if not target.is_relative_to(root):
            found.append(f'{path}: {link} leads out of the project')
        elif target.relative_to(root).as_posix() in made:
            continue
        elif not target.exists():
            found.append(f'{path}: {link} leads to no file of the project')
        elif anchor and anchor not in anchors_of(
            target.read_text(encoding='utf-8')
        ):
            found.append(f'{path}: {link} leads to no heading')
    return found


def is_well_formed(link: str) -> bool:
    """Tell whether an external link can be an address at all.

    Args:
        link (str): The link.

    Returns:
        bool: Whether it is; it is not fetched.
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    if parts.scheme == 'mailto':
        return (
            re.fullmatch(r'[^@\s]+@[\w-]+(\.[\w-]+)+', parts.path) is not None
        )
    host = parts.hostname or ''
    return (
        parts.scheme in ('http', 'https')
        and re.fullmatch(r'[\w-]+(\.[\w-]+)+', host) is not None
        and not re.search(r'[\s<>"{}|\\^`]', link)
    )


def _code_spans(text: str) -> list[tuple[int, int]]:
    """Where code begins and ends; a link may have some in its text."""
    fences = [found.span() for found in _FENCE.finditer(text)]
    return fences + [
        found.span()
        for found in _CODE.finditer(text)
        if not any(start <= found.start() < end for start, end in fences)
    ]
