"""Segment the cells of images: a folder goes in, label images come out.

Reads PNG, JPEG, BMP and TIFF (8 and 16 bits, floats, OME-TIFF, stacks) of any
size. A second run goes on where the first was cut off and leaves alone what
is done; ``OUT/run_summary.md`` says what became of every file.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cupre_mm.apis.batch_segmentation import Segmenter
from cupre_mm.apis.folder_inputs import find_inputs
from cupre_mm.apis.folder_run import FolderResult, segment_folder
from cupre_mm.apis.folder_settings import (
    FolderSettings,
    hash_checkpoint,
    hash_config,
    read_detector_config,
)
from cupre_mm.apis.folder_summary import (
    remove_summary,
    summarise,
    write_summary,
)
from cupre_mm.apis.output_lock import locked_folder
from cupre_mm.apis.prediction_arguments import (
    options_from,
    parse_arguments,
    selection_from,
)
from cupre_mm.apis.result_files import ResultFiles, output_errors
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.errors import UserError

_SHOWN = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Segment and say what was written.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        int: Exit code: 0; 1 if files could not be segmented, all others
        being done; 2 for what the user can mend; 130 after Ctrl-C.
    """
    args = parse_arguments(argv)
    try:
        return predict(args)
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            'interrupted; the same command goes on from here', file=sys.stderr
        )
        return 130


def predict(args: argparse.Namespace) -> int:
    """Do what the command line asks for.

    Args:
        args (argparse.Namespace): Of :func:`parse_arguments`.

    Returns:
        int: 1 if files could not be segmented, else 0.
    """
    options, selection = options_from(args), selection_from(args)
    out = Path(args.out).expanduser()
    files = ResultFiles(out, args.outputs)
    inputs = find_inputs(args.inputs, out, args.exclude)
    config = read_detector_config(args.config, args.cfg_options, args.no_exec)
    settings = FolderSettings(
        config=args.config,
        config_hash=hash_config(config),
        checkpoint=args.checkpoint,
        checkpoint_hash=hash_checkpoint(args.checkpoint),
        options=options,
        selection=selection,
        series=args.series,
        outputs=tuple(dict.fromkeys(args.outputs)),
        compress=args.compress,
    )
    files.check_apart_from(inputs)
    with output_errors(out), locked_folder(out):
        remove_summary(out)
        result = segment_folder(
            inputs,
            out,
            settings,
            partial(_load_segmenter, config, args, options),
            workers=args.workers,
            force=args.force,
        )
        summary = summarise(inputs, settings, result)
        written = write_summary(out, summary)
    _report(summary, result, out, written)
    return int(bool(result.failures))


def _load_segmenter(
    config: Config, args: argparse.Namespace, options: SegmentationOptions
) -> Segmenter:
    # Takes seconds, and is not needed to tell what is wrong with the images.
    from cupre_mm.apis.segmenter_loading import load_segmenter

    return load_segmenter(config, args.checkpoint, args.device, options)


def _report(
    summary: Mapping[str, Any],
    result: FolderResult,
    out: Path,
    written: Sequence[Path],
) -> None:
    for text in summary['warnings'][:_SHOWN]:
        print(f'warning: {text}')
    print(
        f'{summary["cells"]} cells in {summary["images"]} images of '
        f'{summary["files"]} files; {result.done_now} images done now, in '
        f'{result.seconds:.0f} s'
    )
    for name in summary['settings']['outputs']:
        if summary['images']:
            print(f'{name}: {out / name}')
    for path in written:
        print(f'of all images: {path}')
    for text in list(result.failures.values())[:_SHOWN]:
        print(f'failed: {text}', file=sys.stderr)
    if result.failures:
        print(
            f'error: {len(result.failures)} image(s) could not be segmented, '
            f'{summary["images"]} are done; {written[1].name} has every '
            'reason, and the same command tries them again',
            file=sys.stderr,
        )


if __name__ == '__main__':
    sys.exit(main())
