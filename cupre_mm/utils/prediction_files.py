"""Reads the pickle files of ``tools/test.py --out`` without running them."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.pickled_bytes import bytes_of_text

# Numbers, arrays and tensors: all that predictions are made of.
_ALLOWED = frozenset(
    {
        ('__builtin__', 'bytes'),
        ('builtins', 'bytes'),
        ('builtins', 'slice'),
        ('collections', 'OrderedDict'),
        ('numpy', 'dtype'),
        ('numpy', 'ndarray'),
        ('numpy.core.multiarray', '_reconstruct'),
        ('numpy.core.multiarray', 'scalar'),
        ('numpy._core.multiarray', '_reconstruct'),
        ('numpy._core.multiarray', 'scalar'),
        ('numpy._core.numeric', '_frombuffer'),
        ('numpy.core.numeric', '_frombuffer'),
        ('torch', 'device'),
        ('torch._utils', '_rebuild_tensor_v2'),
    }
)


def read_predictions(path: str | Path) -> list[dict]:
    """Read the predictions of a test run.

    Args:
        path (str | Path): File of ``tools/test.py --out``.

    Returns:
        list[dict]: A sample an image.

    Raises:
        BadDataError: If it holds anything but numbers, texts, arrays and
            tensors, or cannot be read.
    """
    path = Path(path)
    try:
        return _Numbers(io.BytesIO(path.read_bytes())).load()
    # A damaged pickle raises whatever its last instruction trips on.
    except Exception as error:
        raise BadDataError(
            f'{path} cannot be read as predictions of tools/test.py --out '
            f'({type(error).__name__}: {error})'
        ) from error


class _Numbers(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ('torch.storage', '_load_from_bytes'):
            return _tensor_storage
        if (module, name) == ('_codecs', 'encode'):
            return bytes_of_text
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise BadDataError(f'it would run {module}.{name}')


def _tensor_storage(content: bytes) -> Any:
    return torch.load(io.BytesIO(content), weights_only=True)
