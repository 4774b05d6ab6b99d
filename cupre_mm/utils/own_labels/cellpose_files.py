"""Masks of the ``_seg.npy`` files that Cellpose's window saves."""

import io
import pickle
from typing import Any

import numpy as np

from cupre_mm.utils.errors import BadDataError

# Texts, numbers and arrays: all that Cellpose puts into them.
_ALLOWED = frozenset(
    (f'numpy.{core}{module}', name)
    for core in ('core.', '_core.')
    for module, name in (
        ('multiarray', '_reconstruct'),
        ('multiarray', 'scalar'),
        ('numeric', '_frombuffer'),
    )
) | {('numpy', 'ndarray'), ('numpy', 'dtype')}


def read_seg_masks(content: bytes) -> np.ndarray:
    """Read the label image of a ``_seg.npy``, without running its pickle.

    Args:
        content (bytes): The file.

    Returns:
        np.ndarray: (H, W) whole numbers, 0 is background.

    Raises:
        BadDataError: If it is damaged, would run code, is a volume, or
            holds no masks.
    """
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            np.lib.format.read_array_header_1_0(stream)
        else:
            np.lib.format.read_array_header_2_0(stream)
        saved = _Plain(stream).load()
        saved = saved.item() if isinstance(saved, np.ndarray) else saved
        masks = np.asarray(saved['masks'])
    except BadDataError:
        raise
    # A damaged pickle raises whatever its last instruction trips on.
    except Exception as error:
        raise BadDataError(
            f'no _seg.npy of Cellpose ({type(error).__name__}: {error})'
        ) from error
    masks = masks[0] if masks.ndim == 3 and len(masks) == 1 else masks
    if masks.ndim != 2 or masks.dtype.kind not in 'iu':
        raise BadDataError(
            f'its masks are {masks.dtype} of shape {masks.shape}, not the '
            'label image of one plane: save the plane you mean by Save masks '
            'as PNG/tif'
        )
    return masks


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        if module.split('.')[0] == 'pathlib':
            # A path to the image or the model, which nothing here opens.
            return _joined
        raise BadDataError(
            f'it would run {module}.{name}: save the masks by Save masks as '
            'PNG/tif instead'
        )


def _joined(*parts: Any) -> str:
    return '/'.join(map(str, parts))
