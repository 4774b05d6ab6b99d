"""Unpack a zip safely; a second run writes only what is missing."""

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
        description='Unpack a zip archive into a folder. Archives with '
        'entries that lead out of the folder are refused; files that are '
        'there already with the same size and checksum are left alone.'
    )
    parser.add_argument('src', metavar='SRC', help='The zip archive.')
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='The folder to unpack into.'
    )
    args = parser.parse_args(argv)
    try:
        with open_source(
            args.src, 'data/README.md says where each data set can be had.'
        ) as tree:
            bar = tqdm(tree.names, unit='file', desc='unpacking')
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
