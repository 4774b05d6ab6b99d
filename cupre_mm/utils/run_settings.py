"""Keeps results of other settings from passing for those asked for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.errors import BadConfigError

_FILE = 'settings.json'


def check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Note the settings of a folder of results, or compare them.

    Args:
        folder (Path): The folder; the first call writes settings.json there.
        settings (Mapping[str, Any]): Settings that its results depend on,
            of types that JSON has.

    Raises:
        BadConfigError: If the folder has results of other settings.
    """
    file = folder / _FILE
    if not file.is_file():
        write_atomically(file, json.dumps(settings, indent=1).encode())
        return
    before = json.loads(file.read_text())
    changed = [
        f'{name}={before.get(name)!r}, not {value!r}'
        for name, value in settings.items()
        if before.get(name) != value
    ]
    if changed:
        raise BadConfigError(
            f'{folder} holds results of {"; ".join(changed)}: name another '
            'work dir, or delete that one'
        )
