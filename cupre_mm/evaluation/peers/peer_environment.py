"""The environment of a peer: checked, and made to run the peer's driver."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cupre_mm.utils.coco_json import canonical_json, write_json
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.json_files import parse_json
from cupre_mm.utils.tool_runner import run_logged


@dataclass(frozen=True)
class PeerEnvironment:
    """A Python in which a peer is installed, and the script that drives it.

    The script is called as ``python DRIVER TASK SETTINGS ROOT``: it changes
    into the folder ROOT, reads the json file SETTINGS and writes its result
    as json to the file that ``result`` there names, with its ``versions``.
    The tasks are ``versions``, ``train``, ``predict`` and ``score``; the
    result of the last one holds ``own_metrics``: shares by name, and a dict
    ``counts``.

    Attributes:
        name (str): Name of the peer's package.
        python (Path): Its interpreter.
        driver (Path): The script.
        versions_wanted (str): Beginning of the versions that the driver was
            written for, such as ``'3.'``.
        requirements (str): What ``pip install`` is given to make it.
        variables (dict): Environment variables to set. Defaults to none.
    """

    name: str
    python: Path
    driver: Path
    versions_wanted: str
    requirements: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> dict[str, str]:
        """Make sure that the peer can be run.

        Returns:
            dict[str, str]: Version by name of what is installed there.

        Raises:
            MissingDataError: If there is no such Python, or it lacks the
                peer.
            BadConfigError: If the peer is of another version.
        """
        if not self.python.is_file():
            raise MissingDataError(
                f'{self.python} does not exist. {self._how_to_make()}'
            )
        with tempfile.TemporaryDirectory() as folder:
            settings = Path(folder) / 'versions.json'
            result = Path(folder) / 'result.json'
            write_json(settings, {'result': str(result)})
            done = subprocess.run(
                self._command('versions', settings, Path(folder)),
                capture_output=True,
                text=True,
                errors='replace',
            )
            if done.returncode:
                last = (done.stderr.strip() or 'no message').splitlines()[-1]
                raise MissingDataError(
                    f'{self.python} cannot run {self.name} ({last}). '
                    f'{self._how_to_make()}'
                )
            versions = parse_json(result.read_bytes(), result)['versions']
        if not versions[self.name].startswith(self.versions_wanted):
            raise BadConfigError(
                f'{self.python} has {self.name} {versions[self.name]}, the '
                f'recipe is that of {self.versions_wanted}x. '
                f'{self._how_to_make()}'
            )
        return versions

    def run(
        self, task: str, settings: Mapping[str, Any], folder: Path, root: Path
    ) -> dict[str, Any]:
        """Run a task, unless it was done with the same settings before.

        Args:
            task (str): ``'train'``, ``'predict'`` or ``'score'``.
            settings (Mapping): What the driver reads; paths start from
                ``root``.
            folder (Path): Where settings, result and the log go:
                ``TASK.json``, ``TASK_result.json`` and ``TASK.log``.
            root (Path): Work dir of the benchmark.

        Returns:
            dict: The driver's result.

        Raises:
            BadDataError: If the driver fails; its last lines are printed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file, result = folder / f'{task}.json', folder / f'{task}_result.json'
        content = {**settings, 'result': relative(result, root)}
        is_same = file.is_file() and file.read_bytes() == canonical_json(
            content
        )
        if is_same and result.is_file():
            return parse_json(result.read_bytes(), result)
        result.unlink(missing_ok=True)
        write_json(file, content)
        run_logged(
            self._command(task, file, root),
            folder / f'{task}.log',
            self.variables,
        )
        return parse_json(result.read_bytes(), result)

    def _command(self, task: str, settings: Path, root: Path) -> list[str]:
        paths = (settings, root)
        return [
            str(self.python),
            str(self.driver),
            task,
            *(str(path.resolve()) for path in paths),
        ]

    def _how_to_make(self) -> str:
        python = f'python{sys.version_info[0]}.{sys.version_info[1]}'
        folder = f'peers/{self.name}'
        return (
            f'Make an environment for it with: {python} -m venv {folder} && '
            f'{folder}/bin/pip install {self.requirements}; then give '
            f'--python {folder}/bin/python'
        )


def relative(path: Path, root: Path) -> str:
    """Name a path from the work dir, which may then be moved.

    Args:
        path (Path): A path in the work dir.
        root (Path): The work dir.

    Returns:
        str: With slashes.
    """
    return path.resolve().relative_to(root.resolve()).as_posix()
