"""Whether splits that are there are those that a grid would make."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cupre_mm.utils.benchmark_grid.config_sections import Data
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.file_checksums import sha256_of


def check_splits(
    folder: Path, data: Data, seed: int, annotations: Path
) -> None:
    """Refuse splits of other settings than the grid's.

    Args:
        folder (Path): Folder of the splits, with a manifest.
        data (Data): The grid's data.
        seed (int): Seed that the splits are to be of.
        annotations (Path): What they are to be made of; not looked at where
            it does not exist.

    Raises:
        BadDataError: If the manifest is of something else, or no manifest.
    """
    path = folder / 'manifest.json'
    try:
        manifest = json.loads(path.read_bytes())
        made, source = _made(manifest), manifest['source']['sha256']
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadDataError(
            f'{path} is no manifest of make_splits.py ({error!r}): remove '
            f'{folder}, and it is made anew'
        ) from error
    wanted = {
        'seed': seed,
        'test_fraction': float(data.test_fraction),
        'val_fraction': float(data.val_fraction),
        **_wanted_options(data.split_options),
    }
    told = [
        f'{name}={made[name]!r}, not {value!r}'
        for name, value in wanted.items()
        if made[name] != value
    ]
    sha256 = sha256_of(annotations)
    if sha256 not in (None, source):
        told.append(f'another state of {annotations}')
    if told:
        raise BadDataError(
            f'the splits in {folder} were made with {"; ".join(told)}: say so '
            'in benchmark.data, name another folder in data.splits, or '
            'remove that folder, and it is made anew'
        )


def _made(manifest: Mapping[str, Any]) -> dict[str, Any]:
    names = ('seed', 'test_seed', 'test_fraction', 'val_fraction', 'balance')
    found = {name: manifest[name] for name in names}
    for name in ('stratify', 'group'):
        found[name] = _attribute(manifest[name])
    return found


def _attribute(origin: Mapping[str, Any] | None) -> str | None:
    """The argument of make_splits.py that a manifest describes."""
    if origin is None:
        return None
    if origin['kind'] == 'appearance':
        return 'auto'
    return origin.get('key') or Path(origin['file']).name


def _wanted_options(options: Sequence[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument('--test-seed', type=int, default=0)
    parser.add_argument('--balance', default='none')
    for name in ('--stratify', '--group'):
        parser.add_argument(name, type=_name_of)
    return vars(parser.parse_known_args([*options])[0])


def _name_of(attribute: str) -> str:
    """What a manifest calls it: a csv file by its name, a key as it is."""
    is_file = attribute.lower().endswith('.csv')
    return Path(attribute).name if is_file else attribute
