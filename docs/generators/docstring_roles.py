"""Turns Sphinx roles of docstrings into links of the site.

Docstrings say ``:class:`X``` as Python's own do; Markdown knows no roles.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import griffe

_ROLE = re.compile(
    r':(?:func|class|mod|meth|attr|exc|data|obj):`(?P<target>[^`]+)`'
)
# A line after which indented code follows; Markdown needs no second colon.
_BEFORE_CODE = re.compile(r'(?m)(?<=\w)::$')
# A simple table, which is shown as it is.
_TABLE = re.compile(r'(?ms)^=+(?: +=+)+$.*^=+(?: +=+)+$')


class DocstringRoles(griffe.Extension):
    """Rewrites the docstrings of a package once all of it is read."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """See griffe.

        Args:
            pkg (griffe.Module): The package, changed in place.
            **kwargs: Not used.
        """
        documented = {one.path: one for one in public_objects(pkg)}
        short: dict[str, list[str]] = {}
        for path in documented:
            parts = path.split('.')
            for start in range(1, len(parts)):
                short.setdefault('.'.join(parts[start:]), []).append(path)
        for one in _all_objects(pkg):
            if one.docstring is None:
                continue
            link = partial(
                _link, pkg=pkg, scope=one, documented=documented, short=short
            )
            text = _ROLE.sub(link, one.docstring.value)
            text = _BEFORE_CODE.sub(':', text)
            one.docstring.value = _TABLE.sub(_fence, text)


def public_objects(module: griffe.Object) -> Iterator[griffe.Object]:
    """List what the reference shows.

    Args:
        module (griffe.Object): A module or class.

    Yields:
        griffe.Object: It, and all in it that has a public name and a
        docstring, or is a module.
    """
    yield module
    for name, member in module.members.items():
        if name.startswith('_') or member.is_alias:
            continue
        if member.is_module or member.is_class:
            if member.is_module or member.has_docstring:
                yield from public_objects(member)
        elif member.has_docstring:
            yield member


def _all_objects(module: griffe.Object) -> Iterator[griffe.Object]:
    yield module
    for member in module.members.values():
        if not member.is_alias:
            yield from _all_objects(member)


def _fence(found: re.Match[str]) -> str:
    return f'```text\n{found[0]}\n```'


def _link(
    found: re.Match[str],
    pkg: griffe.Module,
    scope: griffe.Object,
    documented: dict[str, griffe.Object],
    short: dict[str, list[str]],
) -> str:
    target = found['target'].removeprefix('~').lstrip('.')
    shown = target
    if found['target'].startswith('~'):
        shown = target.rpartition('.')[2]
    path = _find(target, pkg, scope, documented, short)
    return f'[`{shown}`][{path}]' if path else f'`{shown}`'


def _find(
    target: str,
    pkg: griffe.Module,
    scope: griffe.Object,
    documented: dict[str, griffe.Object],
    short: dict[str, list[str]],
) -> str | None:
    if target in documented:
        return target
    if target.startswith(f'{pkg.path}.'):
        # A name that a room's __init__ imports.
        try:
            path = pkg[target.removeprefix(f'{pkg.path}.')].canonical_path
        except KeyError:
            return None
        return path if path in documented else None
    place: griffe.Object | None = scope
    while place is not None:
        if f'{place.path}.{target}' in documented:
            return f'{place.path}.{target}'
        if target in place.members:
            path = place.members[target].canonical_path
            return path if path in documented else None
        place = place.parent
    candidates = short.get(target, [])
    return candidates[0] if len(candidates) == 1 else None
