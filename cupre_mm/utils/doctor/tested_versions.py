"""The versions that the project's tests run on, as constraints.txt has them.

Installed wheels carry no constraints.txt, so they are repeated here.
"""

PYTHONS = ((3, 10), (3, 12))
TORCH_LOWEST = '2.4'
TESTED = {
    'torch': '2.11.0',
    'torchvision': '0.26.0',
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmdetection': '3.5.1',
    'onedl-mmpretrain': '1.3.6',
    'numpy': '2.2.6',
    'setuptools': '80.10.2',
    'opencv-python': '4.12.0.88',
    'opencv-python-headless': '4.12.0.88',
    'pycocotools': '2.0.11',
    'faster-coco-eval': '1.8.0',
}


def differences(found: dict[str, str]) -> list[str]:
    """Say which versions are not the tested ones.

    Args:
        found (dict[str, str]): Version by distribution name.

    Returns:
        list[str]: ``'name version (tested: version)'`` for each that is
        tested in another version; local labels such as ``+cpu`` are
        overlooked.
    """
    return [
        f'{name} {version} (tested: {TESTED[name]})'
        for name, version in found.items()
        if name in TESTED and version.partition('+')[0] != TESTED[name]
    ]


def pinned(*names: str) -> str:
    """Write requirements of the tested versions for pip.

    Args:
        *names (str): Distributions of ``TESTED``.

    Returns:
        str: ``'name==version'`` of each, separated by spaces.
    """
    return ' '.join(f'{name}=={TESTED[name]}' for name in names)
