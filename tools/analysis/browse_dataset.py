"""Look at a data set: write contact sheets of its images.

Examples:
    python tools/analysis/browse_dataset.py CONFIG --loader train --augmented
    python tools/analysis/browse_dataset.py instances.json --images images
    python tools/analysis/browse_dataset.py data/cells/bccd
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import DictAction
from tqdm import tqdm

from cupre_mm.evaluation.overlays import draw_outlines
from cupre_mm.utils.cli import exits_on_user_error, load_config
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.data_config import CONFIG_SUFFIXES
from cupre_mm.utils.dataset_inspection.config_datasets import (
    LOADERS,
    build_dataset,
    dataset_configs,
    images_beside,
    is_unlabelled,
)
from cupre_mm.utils.dataset_inspection.contact_sheet import (
    Tile,
    fit,
    fit_masks,
    write_sheets,
)
from cupre_mm.utils.dataset_inspection.dataset_pictures import (
    CocoPictures,
    LabelledPictures,
    Picture,
    PictureSource,
    UnlabelledPictures,
)
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from cupre_mm.utils.no_exec import add_no_exec_argument

_BOX_COLOR = (255, 200, 0)
_MOST_LISTED = 20


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Write contact sheets of a data set as PNG pages. '
        'Labelled images show their instances, unlabelled ones are shown as '
        'they are, and --augmented shows what the network is given: the '
        'augmented image, or the two views beside the original. Images of '
        'more than 8 bits and dark ones are stretched to be seen, which '
        'their title says.'
    )
    parser.add_argument(
        'data',
        metavar='CONFIG|PATH',
        help='A config (.py), a COCO json, or a folder of images.',
    )
    parser.add_argument(
        '--loader',
        choices=LOADERS,
        default='train',
        help='The loader of the config. Of a pre-training config train means '
        'both moco and det. Defaults to train.',
    )
    parser.add_argument(
        '--images',
        metavar='DIR',
        help='The folder of the images that a COCO json names. Defaults to '
        'a folder "images" beside the json or up to two levels up.',
    )
    parser.add_argument(
        '--augmented',
        action='store_true',
        help="Show samples that went through the config's pipeline.",
    )
    parser.add_argument(
        '--num',
        type=int,
        default=24,
        metavar='N',
        help='How many images to show, drawn at random and alike from all '
        'sources of unlabelled images; of fewer, all. Defaults to 24.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='The seed of the choice and of the augmentation: the same seed '
        'gives the same sheets. Defaults to 0.',
    )
    parser.add_argument(
        '--overlay',
        choices=('contours', 'boxes', 'both', 'none'),
        default='contours',
        help='What to draw of instances; boxes stand in for contours where '
        'there are no masks. Defaults to contours.',
    )
    for flag, value, text in (
        ('--columns', 4, 'Images in a row.'),
        ('--rows', 6, 'Rows of a page.'),
        ('--tile-size', 256, 'Long side of a shown image in pixels.'),
    ):
        parser.add_argument(
            flag,
            type=int,
            default=value,
            metavar='N',
            help=f'{text} Defaults to {value}.',
        )
    parser.add_argument(
        '--out',
        help='The folder that the sheets go into. Defaults to '
        'work_dirs/browse/ and the name of the config, json or folder.',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='Values to change in the config, each as key=value.',
    )
    add_no_exec_argument(parser)
    args = parser.parse_args(argv)
    for name in ('num', 'columns', 'rows', 'tile_size'):
        if getattr(args, name) < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1')
    return args


def open_sources(args: argparse.Namespace) -> dict[str, PictureSource]:
    """Open what the command line names.

    Args:
        args (argparse.Namespace): The command line.

    Returns:
        dict[str, PictureSource]: Pictures by the name of their sheets.

    Raises:
        MissingDataError: If there is nothing of that name.
        BadConfigError: If ``--augmented`` is asked for without a config.
    """
    path = Path(args.data)
    if path.suffix not in CONFIG_SUFFIXES and args.augmented:
        raise BadConfigError(
            f'--augmented needs a config with a pipeline; {path} is none'
        )
    if path.is_dir():
        source = dict(name=path.name, paths=str(path.resolve()))
        dataset = dict(type='cupre_mm.CellImages', sources=[source])
        built = build_dataset(None, dataset, augmented=False)
        return {path.name: UnlabelledPictures(built, False, args.seed)}
    if path.suffix == '.json':
        folder = args.images or images_beside(path)
        return {path.stem: CocoPictures(path, folder)}
    if path.suffix not in CONFIG_SUFFIXES:
        raise MissingDataError(
            f'{path} is neither a config (.py, .yaml), a COCO '
            'json nor a folder'
        )
    config = load_config(
        argparse.Namespace(
            config=args.data,
            launcher='none',
            local_rank=0,
            work_dir=None,
            cfg_options=args.cfg_options,
            no_exec=args.no_exec,
        )
    )
    sources = {}
    for name, dataset in dataset_configs(config, args.loader).items():
        kind = (
            UnlabelledPictures if is_unlabelled(dataset) else LabelledPictures
        )
        built = build_dataset(config, dataset, args.augmented)
        sources[name] = kind(built, args.augmented, args.seed)
    return sources


def tile_of(picture: Picture, size: int, overlay: str) -> Tile:
    """Make the tile of a picture.

    Args:
        picture (Picture): The picture.
        size (int): Long side of each panel in pixels.
        overlay (str): See ``--overlay``.

    Returns:
        Tile: The picture in that size, instances drawn on its last panel.
    """
    panels = [fit(panel, size) for panel in picture.panels]
    shown, boxes = panels[-1], picture.boxes
    contours = overlay in ('contours', 'both')
    if contours and picture.masks:
        shown = draw_outlines(shown, fit_masks(picture.masks, shown.shape))
    missing = contours and picture.masks is None
    if boxes is not None and (missing or overlay in ('boxes', 'both')):
        shown = shown.copy()
        height, width = picture.panels[-1].shape[:2]
        factors = np.array(shown.shape[1::-1]) / (width, height)
        for box in np.rint(boxes * np.tile(factors, 2)).astype(int).tolist():
            cv2.rectangle(shown, box[:2], box[2:], _BOX_COLOR, 1)
    panels[-1] = shown
    return Tile(panels, [Path(picture.name).name, ', '.join(picture.facts)])


def tiles_of(
    source: PictureSource,
    numbers: Sequence[int],
    args: argparse.Namespace,
    problems: list[str],
) -> Iterator[Tile]:
    """Make the tiles of some images.

    Args:
        source (PictureSource): The images.
        numbers (Sequence[int]): Which of them.
        args (argparse.Namespace): The command line.
        problems (list[str]): Gets a message for each image that cannot be
            shown; its tile is blank, and says so.

    Yields:
        Tile: One for each number.
    """
    source.choose(numbers)
    for number in tqdm(numbers, desc='drawing', unit='image'):
        try:
            picture = source.draw(number)
        except (BadDataError, MissingDataError) as error:
            problems.append(str(error))
            blank = np.full((args.tile_size, args.tile_size, 3), 225, np.uint8)
            name = Path(source.name_of(number)).name
            yield Tile([blank], [name, 'cannot be shown'])
        else:
            yield tile_of(picture, args.tile_size, args.overlay)


def chosen_numbers(groups: Sequence[str], wanted: int, seed: int) -> list[int]:
    """Draw images without drawing one twice, of all groups alike.

    Args:
        groups (Sequence[str]): Group of each image, such as its source.
        wanted (int): Number of images to draw.
        seed (int): Seed of the draw.

    Returns:
        list[int]: Their numbers, ascending.
    """
    order = np.random.default_rng(seed).permutation(len(groups))
    # The first of every group come before the second of any.
    seen: Counter[str] = Counter()
    turns = []
    for number in order.tolist():
        turns.append((seen[groups[number]], len(turns), number))
        seen[groups[number]] += 1
    return sorted(number for _, _, number in sorted(turns)[:wanted])


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Write the sheets.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        list[Path]: The pages.
    """
    args = parse_args(argv)
    path = Path(args.data)
    out = Path(args.out or Path('work_dirs/browse') / path.resolve().stem)
    pages, problems, listed = [], [], {}
    for name, source in open_sources(args).items():
        if not len(source):
            raise BadDataError(f'{args.data}: {name} has no image to show')
        numbers = chosen_numbers(source.groups, args.num, args.seed)
        label = f'{name}_augmented' if args.augmented else name
        tiles = tiles_of(source, numbers, args, problems)
        written = write_sheets(
            out, label, tiles, args.columns, args.rows, args.tile_size
        )
        listed[label] = [source.name_of(number) for number in numbers]
        print(
            f'{label}: {len(numbers)} of {len(source)} images (seed '
            f'{args.seed}) on {len(written)} page(s): '
            f'{", ".join(map(str, written))}'
        )
        pages += written
    write_json(out / 'images.json', listed, indent=1)
    print(f'Files of the tiles, in their order: {out / "images.json"}')
    if problems:
        print(f'{len(problems)} image(s) cannot be shown:')
        print('\n'.join(problems[:_MOST_LISTED]))
        if len(problems) > _MOST_LISTED:
            print(f'and {len(problems) - _MOST_LISTED} more')
    return pages


if __name__ == '__main__':
    main()
