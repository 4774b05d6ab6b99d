"""What ``tools/train.py`` and ``tools/test.py`` share.

Flags and behaviour are those of mmdet's tools, so that commands carry over;
errors that the user can mend become one line instead of a trace.
"""

import argparse
import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from cupre_mm.utils.checkpoint import (
    checkpoint_references,
    read_checkpoint,
)
from cupre_mm.utils.config_files import (
    OptionsAction,
    config_errors,
    merge_options,
)
from cupre_mm.utils.errors import (
    BadConfigError,
    MissingDataError,
    UserError,
)
from cupre_mm.utils.no_exec import (
    add_no_exec_argument,
    check_config,
    read_config,
)

REPORT_HOOK = 'cupre_mm.CheckpointReportHook'


def exits_on_user_error(main: Callable[..., Any]) -> Callable[..., Any]:
    """Make a tool print a :class:`UserError` as one line and exit with 2.

    Any other exception is not the user's to mend and keeps its trace.

    Args:
        main (Callable): The tool's entry point.

    Returns:
        Callable: The same, wrapped.
    """

    @functools.wraps(main)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return main(*args, **kwargs)
        except UserError as error:
            print(f'error: {message_of(error)}', file=sys.stderr)
            raise SystemExit(2) from None

    return wrapper


def message_of(error: UserError) -> str:
    """Give the message of an error without what others wrapped around it.

    Args:
        error (UserError): The error. One that was raised in a worker of a
            torch DataLoader holds the worker's trace as its message; one
            that passed mmengine's registry may name the built class first.

    Returns:
        str: The message.
    """
    text = str(error)
    if 'Original Traceback' in text:
        text = text.rpartition(f'{type(error).__name__}: ')[2]
    return re.sub(r'^(class `\w+` in \S+: )+', '', text).strip()


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that training and testing have in common.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
    """
    parser.add_argument('config', help='Config file of the run.')
    add_no_exec_argument(parser)
    parser.add_argument(
        '--work-dir',
        help='Folder for logs and results. Defaults to work_dir of the '
        'config, else to ./work_dirs/ and the name of the config.',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        help='Values to change in the config, each as key=value; a nested '
        'key is written with dots, a list as key="[a,b]" without spaces.',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='What started the processes of a distributed run.',
    )
    parser.add_argument(
        '--local_rank',
        '--local-rank',
        type=int,
        default=0,
        help='Rank on this machine, passed by torch.distributed.launch.',
    )


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and put the common flags into it.

    Args:
        args (argparse.Namespace): Parsed flags of
            :func:`add_run_arguments`.

    Returns:
        Config: The config of the run.

    Raises:
        MissingDataError: If there is no such config file.
        BadConfigError: If it, or a ``--cfg-options`` value, cannot be used.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if not Path(args.config).is_file():
        raise MissingDataError(
            f'the config file {args.config} does not exist (from '
            f'{os.getcwd()})'
        )
    no_exec = getattr(args, 'no_exec', False)
    with config_errors(args.config):
        config = read_config(args.config, no_exec)
    config.launcher = args.launcher
    if args.cfg_options:
        merge_options(config, args.cfg_options)
    if no_exec:
        check_config(config)
    if args.work_dir is not None:
        config.work_dir = args.work_dir
    elif config.get('work_dir') is None:
        config.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    return config


def build_runner(config: Config) -> Runner:
    """Build the runner that a config names.

    Args:
        config (Config): Config of the run.

    Returns:
        Runner: mmengine's, or that of ``runner_type``.
    """
    if 'runner_type' in config:
        return RUNNERS.build(config)
    return Runner.from_cfg(config)


def enable_auto_scale_lr(config: Config) -> None:
    """Turn on scaling of the learning rate with the batch size.

    Args:
        config (Config): Config of the run, changed in place.

    Raises:
        BadConfigError: If the config does not say for which batch size its
            learning rate is.
    """
    base = config.get('auto_scale_lr', {}).get('base_batch_size')
    if not isinstance(base, int) or base < 1:
        raise BadConfigError(
            '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=N) in '
            'the config, N being the batch size of all GPUs together that '
            f'the learning rate was chosen for; got {base!r}'
        )
    config.auto_scale_lr.enable = True


def check_checkpoints(config: Config) -> None:
    """Make sure that every checkpoint of a training run can be read.

    Args:
        config (Config): Config of the run.

    Raises:
        MissingDataError: If a file does not exist.
        NoNetworkError: If a URL cannot be reached.
        BadCheckpointError: If a file is no checkpoint.
    """
    # Backwards, for the runner loads load_from, the first one, last: what is
    # read of it now is kept until then.
    for ref in reversed(checkpoint_references(config)):
        resumed = config.get('resume') and ref == config.load_from
        if not resumed or '://' in ref:
            read_checkpoint(ref, keep=not config.get('resume'))


def add_load_report(config: Config) -> None:
    """Add the hook that says which weights of a checkpoint were loaded.

    Args:
        config (Config): Config of the run, changed in place; left alone if
            it has the hook.
    """
    hooks = [
        *(config.get('custom_hooks') or []),
        *config.get('default_hooks', {}).values(),
    ]
    known = (REPORT_HOOK, REPORT_HOOK.rpartition('.')[2])
    if not any(hook and hook.get('type') in known for hook in hooks):
        config.custom_hooks = [
            *(config.get('custom_hooks') or []),
            {'type': REPORT_HOOK},
        ]


def check_data_files(config: Config, *loaders: str) -> None:
    """Make sure that files which stock mmdet data sets name are there.

    Data sets of cupre_mm check more, and say more, when they are built.

    Args:
        config (Config): Config of the run.
        *loaders (str): Data loaders and evaluators to look into, such as
            ``'train_dataloader'``.

    Raises:
        MissingDataError: If an annotation file or image folder is absent.
    """
    for loader in loaders:
        for part in _parts_with_files(config.get(loader)):
            root = part.get('data_root') or ''
            named = {'annotation file': part['ann_file']}
            prefix = part.get('data_prefix') or {}
            named['image folder'] = prefix.get('img', prefix.get('img_path'))
            for kind, name in named.items():
                path = os.path.join(root, name or '')
                if not name or '://' in path or os.path.exists(path):
                    continue
                raise MissingDataError(
                    f'the {kind} {path} of {loader} does not exist (from '
                    f'{os.getcwd()}); data/README.md names the command that '
                    'makes it'
                )


def _parts_with_files(node: Any) -> Iterator[Mapping]:
    """Find the data sets and metrics that name an annotation file."""
    if isinstance(node, Mapping):
        own = str(node.get('type', '')).startswith('cupre_mm.')
        if (
            isinstance(node.get('ann_file'), str)
            and not own
            and node.get('backend_args') is None
        ):
            yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for value in node:
            yield from _parts_with_files(value)
