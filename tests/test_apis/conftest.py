"""Fixtures of the tests that run over a folder."""

from pathlib import Path

import numpy as np
import pytest

from tests.stub_segmenter import spots, write_image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images, one of them in a sub-folder and of 16 bits."""
    folder = tmp_path / 'cells'
    write_image(folder / 'a.png', spots(0))
    write_image(folder / 'b.png', spots(1))
    write_image(folder / 'sub' / 'c.tif', spots(2).astype(np.uint16))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder that is not there yet."""
    return tmp_path / 'out'
