"""What a score was computed with: versions of software, checksums."""

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cupre_mm

# An OpenMMLab library is installed under its own or the maintained name.
_STACK = (
    ('torch',),
    ('torchvision',),
    ('onedl-mmengine', 'mmengine'),
    ('onedl-mmcv', 'mmcv'),
    ('onedl-mmdetection', 'mmdet'),
    ('onedl-mmpretrain', 'mmpretrain'),
    ('pycocotools',),
    ('faster-coco-eval',),
    ('numpy',),
)


def stack_versions() -> dict[str, str]:
    """Collect the versions that a score may depend on.

    Returns:
        dict[str, str]: Version by name; ``'not installed'`` where absent.
    """
    versions = {
        'python': platform.python_version(),
        'cupre_mm': cupre_mm.__version__,
    }
    for names in _STACK:
        for name in names:
            try:
                versions[name] = version(name)
            except PackageNotFoundError:
                continue
            break
        else:
            versions[names[0]] = 'not installed'
    return versions


def sha256_of(path: str | Path) -> str:
    """Compute the SHA-256 checksum of a file.

    Args:
        path (str or Path): The file.

    Returns:
        str: The checksum in hexadecimal digits, or '' if there is no such
        file on this machine.
    """
    path = Path(path)
    if not path.is_file():
        return ''
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
