"""Unpack a zip or tar safely; a second run writes only what is missing."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from cupre_mm.utils.archives import open_source, unpack
from cupre_mm.utils.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Unpack and say what was written.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        int: Exit code: 0, 2 for input that the user can mend, 130 after
        Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        description='Unpack a zip or tar archive into a folder. Archives '
        'with entries that lead out of the folder, with links, and those '
        'that grow beyond all measure (200 GiB, 200 times their size, '
        '1,000,000 entries; raised by CUPRE_ARCHIVE_MAX_GIB, '
        'CUPRE_ARCHIVE_MAX_RATIO and CUPRE_ARCHIVE_MAX_ENTRIES) are refused; '
        'files that are there already with the same size and checksum are '
        'left alone.'
    )
    parser.add_argument(
        'src',
        metavar='SRC',
        help='The archive: .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz.',
    )
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='The folder to unpack into.'
    )
    args = parser.parse_args(argv)
    try:
        with open_source(
            args.src, 'data/README.md says where each data set can be had.'
        ) as tree:
            bar = tqdm(tree.in_stored_order(), unit='file', desc='unpacking')
            written, kept = unpack(tree, args.out, bar)
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            'interrupted; the same command goes on from here', file=sys.stderr
        )
        return 130
    print(f'{args.out}: {written} files written, {kept} there already')
    return 0


if __name__ == '__main__':
    sys.exit(main())
