"""What pip recorded of the installed distributions."""

import json
from importlib import metadata


def installed_version(name: str) -> str | None:
    """Look a distribution up.

    Args:
        name (str): Its name for pip.

    Returns:
        str | None: Its version; None where it is not installed.
    """
    try:
        return metadata.version(name) or 'of unknown version'
    except metadata.PackageNotFoundError:
        return None


def installed_kind(name: str) -> str | None:
    """Tell how a distribution was installed.

    Args:
        name (str): Its name for pip.

    Returns:
        str | None: ``'editable'`` or ``'wheel'``; None where it is not
        installed.
    """
    try:
        recorded = metadata.distribution(name).read_text('direct_url.json')
    except metadata.PackageNotFoundError:
        return None
    source = json.loads(recorded) if recorded else {}
    editable = source.get('dir_info', {}).get('editable', False)
    return 'editable' if editable else 'wheel'
