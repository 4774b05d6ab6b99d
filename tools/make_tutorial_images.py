"""Write the images and labels that docs/tutorial.md works through.

Example:
    python tools/make_tutorial_images.py data/bbbc038 tutorial
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.tutorial_images import write_tutorial_images


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Write them and say what is where.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.
    """
    parser = argparse.ArgumentParser(
        description='Write images of BBBC038 as TIFF, some with label '
        'images, as if you had taken and labelled them: what '
        'docs/tutorial.md works through.'
    )
    parser.add_argument(
        'bbbc038',
        type=Path,
        help='Folder of the converted set, such as data/bbbc038, which '
        '`make mini` writes.',
    )
    parser.add_argument('out', type=Path, help='A new folder to write to.')
    args = parser.parse_args(argv)
    counts = write_tutorial_images(args.bbbc038, args.out)
    print(f'Written to {args.out}:')
    for folder, files in counts.items():
        print(f'  {files:3d} files  {folder}')


if __name__ == '__main__':
    main()
