"""Describe data sets: instances, sizes against anchors, intensities.

Examples:
    python tools/analysis/dataset_stats.py CONFIG
    python tools/analysis/dataset_stats.py instances.json --anchors CONFIG
    python tools/analysis/dataset_stats.py CONFIG --shapes
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

from cupre_mm.utils.cli import exits_on_user_error, load_config
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.data_config import CONFIG_SUFFIXES
from cupre_mm.utils.dataset_inspection.anchor_coverage import (
    grid_of_model,
    shape_coverage,
)
from cupre_mm.utils.dataset_inspection.config_datasets import (
    LOADERS,
    annotations_and_images,
    build_dataset,
    dataset_configs,
    images_beside,
    is_unlabelled,
)
from cupre_mm.utils.dataset_inspection.dataset_report import (
    ReportOptions,
    Subject,
    describe,
)
from cupre_mm.utils.dataset_inspection.statistics_text import shapes_text
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.no_exec import add_no_exec_argument


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Describe data sets: instances an image, their sizes as '
        'stored and as the pipeline resizes them, which of them no anchor '
        'covers, better anchor scales, intensities and sizes of the images. '
        'Prints tables and writes plots and statistics.json. Crops are not '
        'simulated: a box counts whole.'
    )
    parser.add_argument(
        'data',
        nargs='+',
        metavar='ANN_OR_CONFIG',
        help='COCO json files, configs (.py) or folders of images, each '
        'described by itself.',
    )
    parser.add_argument(
        '--loader',
        choices=LOADERS,
        default='train',
        help='The loader of a config. Of a pre-training config train means '
        'both moco and det. Defaults to train.',
    )
    parser.add_argument(
        '--anchors',
        metavar='CONFIG',
        help='The config whose anchors and resizing are held against the '
        'data. Defaults to the config that names the data; for a json '
        "without one, to mmdet's own anchors of 32 to 512 px at the stored "
        'size.',
    )
    parser.add_argument(
        '--shapes',
        action='store_true',
        help='Read no data: tell which box shapes the anchors of the configs '
        'cover, wherever a box lies.',
    )
    parser.add_argument(
        '--images',
        metavar='DIR',
        help='The folder of the images that a COCO json names. Defaults to '
        'a folder "images" beside the json or up to two levels up.',
    )
    parser.add_argument(
        '--sample',
        type=int,
        default=200,
        metavar='N',
        help='How many images to read for their intensities, drawn at '
        'random; 0 reads none. Defaults to 200.',
    )
    parser.add_argument(
        '--stratum',
        default='cell_type',
        metavar='KEY',
        help='The key of the image entries by which figures are told apart, '
        'where they have it. Defaults to cell_type.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='The seed of all samples. Defaults to 0.',
    )
    parser.add_argument(
        '--out',
        help='The folder for plots and figures. Defaults to '
        'work_dirs/dataset_stats/ and the name of the first argument.',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='Values to change in the configs, each as key=value.',
    )
    add_no_exec_argument(parser)
    args = parser.parse_args(argv)
    if args.sample < 0:
        parser.error('--sample must be 0 or more')
    return args


def read_config(path: str, args: argparse.Namespace) -> Config:
    """Read a config with the options of the command line.

    Args:
        path (str): The config.
        args (argparse.Namespace): The command line.

    Returns:
        Config: The config.
    """
    return load_config(
        argparse.Namespace(
            config=path,
            launcher='none',
            local_rank=0,
            work_dir=None,
            cfg_options=args.cfg_options,
            no_exec=args.no_exec,
        )
    )


def subjects_of(path: str, args: argparse.Namespace) -> list[Subject]:
    """Find the data sets that an argument names.

    Args:
        path (str): COCO json, config or folder.
        args (argparse.Namespace): The command line.

    Returns:
        list[Subject]: What to describe.

    Raises:
        MissingDataError: If there is nothing of that name.
    """
    name = Path(path).resolve().stem
    if Path(path).is_dir():
        source = dict(name=name, paths=os.path.abspath(path))
        dataset = dict(type='cupre_mm.CellImages', sources=[source])
        return [_unlabelled(name, None, dataset)]
    if path.endswith('.json'):
        try:
            folder = args.images or str(images_beside(path))
        except MissingDataError:
            folder = None
        return [with_anchors_of(args, Subject(name, path, folder))]
    if not path.endswith(CONFIG_SUFFIXES):
        raise MissingDataError(
            f'{path} is neither a config (.py, .yaml), a COCO '
            'json nor a folder'
        )
    config = read_config(path, args)
    found = []
    for loader, dataset in dataset_configs(config, args.loader).items():
        if is_unlabelled(dataset):
            found.append(_unlabelled(f'{name}_{loader}', config, dataset))
            continue
        ann_file, folder = annotations_and_images(dataset)
        subject = Subject(
            name=f'{name}_{loader}',
            ann_file=ann_file,
            folder=args.images or folder,
            pipeline=dataset.get('pipeline', ()),
            grid=grid_of_model(config.model) if 'model' in config else None,
        )
        found.append(with_anchors_of(args, subject))
    return found


def with_anchors_of(args: argparse.Namespace, subject: Subject) -> Subject:
    """Put in the anchors and the pipeline of ``--anchors``.

    Args:
        args (argparse.Namespace): The command line.
        subject (Subject): A labelled data set.

    Returns:
        Subject: The same where ``--anchors`` is not given.

    Raises:
        BadConfigError: If that config has no model or labelled data set.
    """
    if not args.anchors:
        return subject
    config = read_config(args.anchors, args)
    loader = 'train' if args.loader == 'moco' else args.loader
    labelled = [
        dataset
        for dataset in dataset_configs(config, loader).values()
        if not is_unlabelled(dataset)
    ]
    if 'model' not in config or not labelled:
        raise BadConfigError(
            f'--anchors {args.anchors} needs a model and a labelled {loader} '
            'data set, whose anchors and resizing are looked at'
        )
    return replace(
        subject,
        grid=grid_of_model(config.model),
        pipeline=labelled[0].get('pipeline', ()),
    )


def _unlabelled(name: str, config: Config | None, dataset: Mapping) -> Subject:
    built = build_dataset(config, dataset, augmented=False)
    files = [built.get_data_info(n)['img_path'] for n in range(len(built))]
    return Subject(name, None, None, files)


def print_shapes(args: argparse.Namespace) -> dict[str, Any]:
    """Tell which box shapes the anchors of configs cover.

    Args:
        args (argparse.Namespace): The command line.

    Returns:
        dict[str, Any]: The figures by config.

    Raises:
        BadConfigError: If an argument is no config.
    """
    found = {}
    for path in args.data:
        if not path.endswith(CONFIG_SUFFIXES):
            raise BadConfigError(
                f'--shapes takes configs alone, and {path} is none'
            )
        grid = grid_of_model(read_config(path, args).model)
        found[path] = shape_coverage(grid, args.seed)
        print('\n'.join([f'== {path}', *shapes_text(found[path], grid.sides)]))
    return found


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Describe all data sets, print and write.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to
            ``sys.argv[1:]``.

    Returns:
        dict[str, Any]: The figures by data set.
    """
    args = parse_args(argv)
    if args.shapes:
        return print_shapes(args)
    first = Path(args.data[0]).resolve().stem
    out = Path(args.out or Path('work_dirs/dataset_stats') / first)
    options = ReportOptions(args.sample, args.stratum, args.seed)
    found: dict[str, Any] = {}
    written: list[Path] = []
    for path in args.data:
        for subject in subjects_of(path, args):
            name = subject.name
            if name in found:
                raise BadConfigError(
                    f'two data sets are named {name}; describe them one by '
                    'one, each with an --out of its own'
                )
            figures, text, plots = describe(subject, options, out)
            print('\n'.join([f'== {name}', *text]), flush=True)
            found[name] = figures
            written += plots
    write_json(out / 'statistics.json', found, indent=1)
    written.append(out / 'statistics.json')
    print('Written:', *map(str, written), sep='\n  ')
    return found


if __name__ == '__main__':
    main()
