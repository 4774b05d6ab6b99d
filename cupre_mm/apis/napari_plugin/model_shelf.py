"""Keeps the model that was loaded last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cupre_mm.utils.errors import MissingDataError

if TYPE_CHECKING:
    from cupre_mm.apis.cell_segmenter import CellSegmenter


@dataclass(frozen=True)
class ModelChoice:
    """Which model, and where it runs.

    Attributes:
        config (Path): Its config file.
        checkpoint (Path): Its weights.
        device (str, optional): Defaults to None: an accelerator where there
            is one.

    Raises:
        MissingDataError: If one of the files is not there.
    """

    config: Path
    checkpoint: Path
    device: str | None = None

    def __post_init__(self) -> None:
        files = {
            'config (.py)': self.config,
            'checkpoint (.pth)': self.checkpoint,
        }
        for kind, path in files.items():
            # An empty field of magicgui is the folder it was started in.
            if path.is_dir():
                raise MissingDataError(f'choose the {kind} of a trained model')
            if not path.is_file():
                raise MissingDataError(f'the {kind} {path} is not a file')

    def fingerprint(self) -> tuple:
        """What changes when a file does.

        Returns:
            tuple: To be compared.
        """
        stats = [path.stat() for path in (self.config, self.checkpoint)]
        return (self, *((one.st_mtime_ns, one.st_size) for one in stats))


def load_model_of(choice: ModelChoice) -> CellSegmenter:
    """Load a segmenter.

    Args:
        choice (ModelChoice): Which one.

    Returns:
        CellSegmenter: The segmenter.

    Raises:
        UserError: If config, weights or device cannot be used.
    """
    # mmdet takes seconds to import: in the thread of the job, not when the
    # viewer opens the widget.
    from cupre_mm.apis.segmentation_options import SegmentationOptions
    from cupre_mm.apis.segmenter_loading import load_segmenter
    from cupre_mm.apis.trained_model import open_config

    return load_segmenter(
        open_config(choice.config),
        str(choice.checkpoint),
        choice.device,
        SegmentationOptions(),
    )


class ModelShelf:
    """One loaded model, loaded anew only when another is asked for.

    Args:
        load (Callable): Loads a model. Defaults to :func:`load_model_of`.
    """

    def __init__(
        self, load: Callable[[ModelChoice], CellSegmenter] = load_model_of
    ) -> None:
        self._load = load
        self._fingerprint: tuple | None = None
        self._segmenter: CellSegmenter | None = None

    def get(self, choice: ModelChoice) -> CellSegmenter:
        """Give a model.

        Args:
            choice (ModelChoice): Which one.

        Returns:
            CellSegmenter: The one of the last call if its files have not
            changed since.
        """
        wanted = choice.fingerprint()
        if wanted != self._fingerprint:
            # The old one goes first: two may not fit into memory.
            self._segmenter = self._fingerprint = None
            self._segmenter = self._load(choice)
            self._fingerprint = wanted
        return self._segmenter
