"""Virtual environments in any state, with packages that are only pretended."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

ONEDL = {
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmdetection': '3.5.1',
    'onedl-mmpretrain': '1.3.6',
}
UPSTREAM = {
    'mmengine': '0.10.7',
    'mmcv': '2.1.0',
    'mmdet': '3.3.0',
    'mmpretrain': '1.2.0',
}


def install(
    folder: Path, versions: dict[str, str], direct_url: str = ''
) -> None:
    """Write the metadata that pip leaves for each distribution."""
    for name, version in versions.items():
        info = folder / f'{name.replace("-", "_")}-{version}.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(
            f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
        )
        (info / 'INSTALLER').write_text('pip\n')
        if direct_url:
            (info / 'direct_url.json').write_text(direct_url)


def write_package(folder: Path, name: str, code: str) -> None:
    """Write a module, or with dots a module in packages, that runs code."""
    path = folder
    for part in name.split('.'):
        path = path / part
        path.mkdir(exist_ok=True)
        (path / '__init__.py').touch()
    (path / '__init__.py').write_text(code)
    # Python would take the bytecode of a file of the same size and second.
    shutil.rmtree(path / '__pycache__', ignore_errors=True)


class Environment:
    """An interpreter without packages but those written into ``site``."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / 'bin' / 'python'
        version = 'python{}.{}'.format(*sys.version_info)
        self.site = folder / 'lib' / version / 'site-packages'

    def run(
        self, script: Path, *arguments: str, cwd: Path, **variables: str
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(self.python), str(script), *arguments],
            cwd=cwd,
            env={'PATH': '/usr/bin:/bin', 'HOME': str(cwd), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
