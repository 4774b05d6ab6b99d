"""Makes the splits and the lists of images that a grid needs."""

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cupre_mm.utils.benchmark_grid.grid_config import Grid
from cupre_mm.utils.benchmark_grid.split_checks import check_splits
from cupre_mm.utils.errors import BadDataError, MissingDataError

_CONVERTERS = 'dataset_converters'


def preparation_commands(
    grid: Grid, data: Path, tools: Path
) -> list[list[str]]:
    """The commands that make what is missing.

    Args:
        grid (Grid): The grid.
        data (Path): Root of all data.
        tools (Path): Folder of the tools.

    Returns:
        list[list[str]]: Program and arguments of each, in order.

    Raises:
        BadDataError: If splits are there, but lack one that is needed.
        MissingDataError: If there is nothing to split.
    """
    commands, folder = [], data / grid.data.folder
    if missing := _missing_seeds(grid, data):
        annotations = folder / grid.data.annotations
        if not annotations.is_file():
            if not grid.data.generate:
                raise MissingDataError(
                    f'{annotations}, of which the splits of seeds '
                    f'{", ".join(map(str, missing))} would be made, does not '
                    'exist. data/README.md has the commands of public data '
                    'sets, docs/howto those of own labels; another file is '
                    'named in benchmark.data.annotations, another root of '
                    'all data by --data or $CUPRE_DATA'
                )
            commands.append(_generation_command(grid, data, tools))
        commands += _split_commands(grid, data, tools, missing)
    for pool in grid.data.pools:
        file = data / pool['file']
        if file.is_file():
            continue
        split = f'{pool.get("split", "train_100")}.json'
        first = folder / grid.data.splits.format(seed=grid.all_seeds[0])
        commands.append(
            [
                *(sys.executable, str(tools / _CONVERTERS / 'list_images.py')),
                *(str(first / split), str(file), '--folder'),
                f'{grid.data.folder}/{grid.data.images}',
            ]
        )
    return commands


def run_preparation(commands: list[list[str]]) -> None:
    """Run the commands, showing what they print.

    Args:
        commands (list[list[str]]): Of :func:`preparation_commands`.

    Raises:
        BadDataError: If one fails.
    """
    for command in commands:
        print(f'$ {shlex.join(command)}', flush=True)
        if code := subprocess.run(command, check=False).returncode:
            raise BadDataError(
                f'{Path(command[1]).name} failed with exit code {code}'
            )


def needed_splits(grid: Grid) -> dict[int, list[str]]:
    """Names of the splits that a grid trains on.

    Args:
        grid (Grid): The grid.

    Returns:
        dict[int, list[str]]: File names by seed.
    """
    needed: dict[int, list[str]] = {seed: [] for seed in grid.all_seeds}
    for size, seeds in grid.seeds.items():
        for seed in seeds:
            needed[seed].append(f'{size.split}.json')
    return needed


def _missing_seeds(grid: Grid, data: Path) -> list[int]:
    missing = []
    for seed, names in needed_splits(grid).items():
        folder = data / grid.data.folder / grid.data.splits.format(seed=seed)
        if not (folder / 'manifest.json').is_file():
            missing.append(seed)
            continue
        lacking = [n for n in names if not (folder / n).is_file()]
        if lacking:
            raise BadDataError(
                f'{folder} has no {", ".join(lacking)}, and was made with '
                f'{_made_with(folder)}: make it anew by make_splits.py, or '
                'name another folder in data.splits'
            )
        source = data / grid.data.folder / grid.data.annotations
        check_splits(folder, grid.data, seed, source)
    return missing


def _made_with(folder: Path) -> str:
    content = json.loads((folder / 'manifest.json').read_bytes())
    splits: Mapping = content.get('splits', {})
    return ', '.join(splits) or 'no splits'


def _generation_command(grid: Grid, data: Path, tools: Path) -> list[str]:
    tool, *arguments = grid.data.generate
    configs = tools.parent / 'configs'
    arguments = [p.format(data=data, configs=configs) for p in arguments]
    return [sys.executable, str(tools / tool), *arguments]


def _split_commands(
    grid: Grid, data: Path, tools: Path, seeds: list[int]
) -> list[list[str]]:
    folder = data / grid.data.folder
    # All of the training part too: lists of images are made of it.
    fractions = [s.number for s in grid.sizes if s.unit == 'pct']
    fractions = sorted({*fractions, 100})
    shots = [str(s.number) for s in grid.sizes if s.unit == 'shots']
    commands = []
    for seed in seeds:
        commands.append(
            [
                *(sys.executable, str(tools / _CONVERTERS / 'make_splits.py')),
                str(folder / grid.data.annotations),
                str(folder / grid.data.splits.format(seed=seed)),
                *('--seed', str(seed)),
                *('--fractions', *(f'{n:g}' for n in fractions)),
                *(('--shots', *shots) if shots else ()),
                *('--test-fraction', repr(grid.data.test_fraction)),
                *('--val-fraction', repr(grid.data.val_fraction)),
                *grid.data.split_options,
            ]
        )
    return commands
