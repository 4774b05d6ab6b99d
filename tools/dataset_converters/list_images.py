"""List the images of a COCO json, as a source of unlabelled cells."""

import argparse
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.coco_json import read_coco


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Write the image paths of a COCO json, one a line, for '
        'the paths of a source of cupre_mm.CellImages. Use it on a training '
        'part, so that pre-training never sees the images of the test part '
        'that lie in the same folder.'
    )
    parser.add_argument('annotations', help='COCO json of the part.')
    parser.add_argument('out', help='Text file to write.')
    parser.add_argument(
        '--folder',
        required=True,
        help='Folder of the images, relative to the data root, such as '
        'livecell/images.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> None:
    """Write the list.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.
    """
    args = parse_args(argv)
    coco, _ = read_coco(
        args.annotations,
        'Make it with the converter of its data set; data/README.md has the '
        'command',
    )
    folder = PurePosixPath(args.folder)
    lines = [str(folder / image['file_name']) for image in coco['images']]
    text = ''.join(f'{line}\n' for line in sorted(lines))
    write_atomically(Path(args.out), text.encode())
    print(f'{len(lines)} images listed in {args.out}')


if __name__ == '__main__':
    main()
