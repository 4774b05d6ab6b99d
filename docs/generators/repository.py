"""Where the files of the project are."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Room of the package, and what it holds; in the order of the reference.
ROOMS = {
    'apis': 'Segmenting images, exporting models, the napari plugin.',
    'models': 'Detectors with a contrastive branch, and their parts.',
    'engine': 'Loops, hooks and optimizers of training.',
    'datasets': 'Data sets, samplers, loaders and transforms.',
    'evaluation': 'Metrics, reports and comparisons.',
    'utils': 'What the rooms share, and the work behind the tools.',
}
# Scripts that run in an environment of their own, without cupre_mm.
_FOREIGN = ('tools/analysis/peers/drivers/',)


def modules() -> Iterator[str]:
    """List the public modules of the package.

    Yields:
        str: Dotted names, packages included, in alphabetic order.
    """
    package = ROOT / 'cupre_mm'
    for path in sorted(package.rglob('*.py')):
        parts = path.relative_to(ROOT).with_suffix('').parts
        if parts[-1] == '__init__':
            parts = parts[:-1]
        if not any(part.startswith(('_', '.')) for part in parts):
            yield '.'.join(parts)


def tools() -> Iterator[str]:
    """List the command-line tools.

    Yields:
        str: Paths below the project's root, in alphabetic order.
    """
    for path in sorted((ROOT / 'tools').rglob('*.py')):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding='utf-8')
        if not name.startswith(_FOREIGN) and "== '__main__'" in text:
            yield name


def configs() -> Iterator[str]:
    """List the config files.

    Yields:
        str: Paths below the project's root, in alphabetic order.
    """
    for path in sorted((ROOT / 'configs').rglob('*.py')):
        yield path.relative_to(ROOT).as_posix()
