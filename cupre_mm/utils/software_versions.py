"""Versions of the software that a result was computed with."""

import platform
from importlib.metadata import PackageNotFoundError, version

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
