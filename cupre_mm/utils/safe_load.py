"""Loading of checkpoints that never runs code which a file brings along.

A checkpoint is a pickle, and a pickle may call any function while it is
read. torch's ``weights_only`` reads tensors, plain containers and an allowed
list of types only; mmengine tries that first, but goes on without it when it
fails, and downloads are read without it at all. Here every scheme of
mmengine's :class:`~mmengine.runner.CheckpointLoader` is wrapped, so that
``load_from``, ``resume`` and ``init_cfg`` are covered whoever starts the run.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer, print_log
from mmengine.runner import CheckpointLoader

from cupre_mm.utils.errors import BadCheckpointError, MissingDataError
from cupre_mm.utils.pickled_bytes import bytes_of_text

_FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
_FORCE_NOT = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
_STATISTICS = ('min', 'max', 'mean', 'current')
_REFUSED = re.compile(
    r'GLOBAL (?P<name>[\w.]+)|Unsupported operand (?P<operand>\d+)'
    r'|(?:function|but got|class) (?P<other><[^>]+>|[\w.]+)'
)

# The one checkpoint that was checked and is about to be loaded again.
_kept: dict[tuple, Any] = {}


def _history_method(owner: type, name: str) -> Callable:
    """Stand for ``getattr``, which old mmengine's HistoryBuffers name."""
    if owner is HistoryBuffer and name in _STATISTICS:
        return getattr(HistoryBuffer, name)
    raise UnpicklingError(f'GLOBAL getattr of {owner}, {name!r}')


def _named(function: Callable, module: str, name: str) -> Callable:
    """Give a function the name under which pickles refer to it."""

    def alias(*args: Any) -> Any:
        return function(*args)

    alias.__module__, alias.__name__, alias.__qualname__ = module, name, name
    return alias


def _allowed_types() -> list[Callable]:
    """Types beyond torch's own that real checkpoints hold.

    Logged values are HistoryBuffers of numpy arrays, some scores are numpy
    scalars, some states are a ``defaultdict``, and metas of data sets may be
    parts of a config. numpy 2 renamed ``numpy.core``; files of both kinds
    are about.
    """
    # numpy 1.26 has a numpy._core as well, for pickles alone.
    core = (
        np._core
        if np.lib.NumpyVersion(np.__version__) >= '2.0.0b1'
        else np.core
    )
    renamed = [
        _named(
            getattr(core.multiarray, name), f'numpy.{part}.multiarray', name
        )
        for name in ('_reconstruct', 'scalar')
        for part in ('core', '_core')
    ]
    dtypes = {type(np.dtype(code)) for code in '?bBhHiIlLqQefdgFDGSUV'}
    return [
        HistoryBuffer,
        _named(_history_method, 'builtins', 'getattr'),
        # Of bytes; torch 2.4 does not allow it by itself.
        _named(bytes_of_text, '_codecs', 'encode'),
        ConfigDict,
        # torch fills no subclass of dict: a plain one stands for it.
        _named(lambda *factory: {}, 'collections', 'defaultdict'),
        dict,
        list,
        slice,
        np.ndarray,
        np.dtype,
        *dtypes,
        *renamed,
    ]


@contextmanager
def weights_only(source: str, more: Sequence[Callable] = ()) -> Iterator[None]:
    """Make every ``torch.load`` inside read weights and allowed types only.

    Args:
        source (str): What is read, for the message.
        more (Sequence[Callable]): Types allowed beside those of
            checkpoints. Defaults to none.

    Yields:
        None: Nothing.

    Raises:
        BadCheckpointError: If the file holds any other type.
    """
    before = {name: os.environ.get(name) for name in (_FORCE, _FORCE_NOT)}
    # Even a weights_only=False of the library that is called inside gives
    # way to this variable.
    os.environ[_FORCE] = '1'
    os.environ.pop(_FORCE_NOT, None)
    try:
        with _allowing([*_allowed_types(), *more]):
            yield
    except UnpicklingError as error:
        raise BadCheckpointError(_refusal(source, str(error))) from error
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _allowing(types: list[Callable]) -> Iterator[None]:
    if hasattr(torch.serialization, 'safe_globals'):
        with torch.serialization.safe_globals(types):
            yield
    else:
        # torch 2.4 has no way to take them back.
        torch.serialization.add_safe_globals(types)
        yield


def _refusal(source: str, message: str) -> str:
    found = _REFUSED.search(message)
    if found is None:
        return f'{source} cannot be read as a checkpoint ({message})'
    kind = found['name'] or found['other']
    if kind is None:
        kind = f'the pickle instruction {found["operand"]}'
    return (
        f'{source} was not loaded: it holds {kind}, which is not among the '
        'types that a checkpoint may hold, and to unpickle it could run any '
        'program. If the file is not your own, do not use it. If you trust '
        'who made it, write its weights to a new file, which runs what is in '
        "it: python -c \"import torch; c = torch.load('FILE', "
        "weights_only=False, map_location='cpu'); "
        "torch.save({'state_dict': c.get('state_dict', c)}, 'NEW')\""
    )


def load_local(
    filename: str | Path, map_location: Any = None, *, keep: bool = False
) -> Any:
    """Read a checkpoint file, its weights and allowed types only.

    Args:
        filename (str | Path): The file; ``~`` is the home folder.
        map_location (Any, optional): As for :func:`torch.load`.
            Defaults to None.
        keep (bool): Whether the next call for the same file, to the CPU,
            is to get what this one read, so that a checkpoint which is
            checked before the run is not read twice. Defaults to False.

    Returns:
        Any: What the file holds.

    Raises:
        MissingDataError: If there is no such file.
        BadCheckpointError: If it holds a type that is not allowed.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise MissingDataError(f'the checkpoint {path} does not exist')
    state = path.stat()
    key = (str(path.resolve()), state.st_mtime_ns, state.st_size)
    kept = _kept.pop(key, None)
    if kept is None or map_location not in (None, 'cpu'):
        with weights_only(str(path)):
            kept = torch.load(path, map_location=map_location)
        _drop_code(kept, str(path))
    if keep:
        _kept.clear()
        _kept[key] = kept
    return kept


def peek(path: Path) -> Any:
    """Read a checkpoint without its tensors' values, where that is possible.

    Args:
        path (Path): The file.

    Returns:
        Any: What it holds; tensors are read when they are used.

    Raises:
        BadCheckpointError: If it holds a type that is not allowed.
    """
    with path.open('rb') as file:
        # Only the format of torch 1.6 and later can be mapped.
        mapped = file.read(2) == b'PK'
    with weights_only(str(path)):
        return torch.load(path, map_location='cpu', mmap=mapped or None)


def _drop_code(checkpoint: Any, source: str) -> None:
    """Take out ``meta['config']``, which mmengine's resume runs as Python.

    OpenMMLab 1.x wrote its config there; mmengine writes ``meta['cfg']`` and
    does not run it.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if isinstance(meta, dict) and meta.pop('config', None) is not None:
        print_log(
            f'{source}: left out meta.config, which mmengine would run as '
            'Python code on resume',
            logger='current',
        )


def register_safe_loaders() -> None:
    """Put :func:`weights_only` around every scheme of mmengine's loader.

    Local files are read by :func:`load_local`. Calling it again does nothing
    to schemes that it has wrapped.
    """
    for prefix, loader in list(CheckpointLoader._schemes.items()):
        if getattr(loader, 'weights_only', False):
            continue
        CheckpointLoader.register_scheme(
            prefix, _safe(load_from_local if prefix == '' else loader), True
        )


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Read a local file; the name is the one that mmengine logs.

    Args:
        filename (str): The file.
        map_location (Any, optional): As for :func:`torch.load`.
            Defaults to None.

    Returns:
        Any: What the file holds.
    """
    return load_local(filename, map_location)


def _safe(loader: Callable) -> Callable:
    @wraps(loader)
    def load(filename: str, map_location: Any = None, **kwargs: Any) -> Any:
        with weights_only(filename):
            loaded = loader(filename, map_location, **kwargs)
        _drop_code(loaded, filename)
        return loaded

    load.weights_only = True
    return load
