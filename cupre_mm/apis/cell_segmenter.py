"""Segments images of any size with a trained detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from torch import nn
from tqdm import tqdm

from cupre_mm.apis.faster_model import make_faster
from cupre_mm.apis.image_source import ArrayImage, FileImage, ImageSource
from cupre_mm.apis.network_input import NetworkInput
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.apis.tile_prediction import TilePrediction
from cupre_mm.apis.trained_model import load_model, name_of, open_config
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.plane_selection import PlaneSelection, plan_images


class CellSegmenter:
    """Finds the cells of an image.

    Args:
        config (str | Path | Config): Config of the detector, as it was
            trained with; its ``test_dataloader`` tells how images are
            prepared. That of a pre-training run will do.
        checkpoint (str | Path): The trained weights, a file or a URL.
        device (str, optional): Such as ``'cpu'`` or ``'cuda:0'``. Defaults
            to None: an accelerator where there is one.
        options (SegmentationOptions, optional): Defaults to None: all
            defaults.
        no_exec (bool): Whether only a json or yaml config is taken and
            nothing run that it says; closes this process for other configs,
            see :mod:`cupre_mm.utils.no_exec`. Defaults to False.

    Attributes:
        model (nn.Module): The detector.
        config (Config): Its config.
        options (SegmentationOptions): Those that hold where none are given.
        classes (tuple[str, ...]): Names of what it finds.

    Raises:
        MissingDataError: If the config or the checkpoint is not there.
        BadConfigError: If the config cannot be read, has no test pipeline or
            a model without masks, or if there is no such device.
        BadCheckpointError: If the checkpoint cannot be read or is of another
            detector.

    Example:
        >>> segmenter = CellSegmenter('config.py', 'weights.pth')
        >>> cells = segmenter.segment(image)
        >>> labels = cells.label_image()
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        device: str | None = None,
        options: SegmentationOptions | None = None,
        no_exec: bool = False,
    ) -> None:
        config = open_config(config, no_exec)
        # Before the weights: a config that cannot be used is told at once.
        network_input = NetworkInput(config)
        self._set(
            make_faster(load_model(config, checkpoint, device)),
            config,
            network_input,
            options,
        )

    @classmethod
    def from_model(
        cls,
        model: nn.Module,
        config: Config,
        options: SegmentationOptions | None = None,
    ) -> CellSegmenter:
        """Segment with a detector that is in memory already.

        Args:
            model (nn.Module): An mmdet detector with masks, on its device
                and in evaluation mode, or whatever has its ``test_step``.
            config (Config): Its config; but for the pipeline it need have
                nothing.
            options (SegmentationOptions, optional): Defaults to None: all
                defaults.

        Returns:
            CellSegmenter: The segmenter.

        Raises:
            BadConfigError: If the config has no test pipeline, or the model
                no masks.
        """
        made = cls.__new__(cls)
        made._set(model, config, NetworkInput(config), options)
        return made

    def _set(
        self,
        model: nn.Module,
        config: Config,
        network_input: NetworkInput,
        options: SegmentationOptions | None,
    ) -> None:
        if not getattr(model, 'with_mask', False):
            raise BadConfigError(
                f'{name_of(config)}: {type(model).__name__} predicts no '
                'masks, so it cannot segment'
            )
        self.model = model
        self.config = config
        self.options = options or SegmentationOptions()
        meta = getattr(model, 'dataset_meta', None) or {}
        self.classes = tuple(meta.get('classes') or ())
        self._tiles = TilePrediction(model, network_input)

    def segment(
        self,
        image: np.ndarray,
        options: SegmentationOptions | None = None,
        progress: bool = False,
    ) -> Segmentation:
        """Segment an image in memory.

        Args:
            image (np.ndarray): (H, W), (H, W, 3) or (H, W, 4) in the order
                R, G, B, A; any real number type, or bool.
            options (SegmentationOptions, optional): Defaults to None: those
                of the segmenter.
            progress (bool): Whether a bar counts the tiles and tells the
                time that is left. Defaults to False.

        Returns:
            Segmentation: The cells.

        Raises:
            BadDataError: If it is no such image.
        """
        return self.segment_source(ArrayImage(image), options, progress)

    def segment_all(
        self,
        images: Iterable[np.ndarray],
        options: SegmentationOptions | None = None,
        progress: bool = False,
    ) -> Iterator[Segmentation]:
        """Segment one image after another.

        Args:
            images (Iterable[np.ndarray]): A list, or what gives them one by
                one; see :meth:`segment`.
            options (SegmentationOptions, optional): Defaults to None: those
                of the segmenter.
            progress (bool): Whether a bar counts the images. Defaults to
                False.

        Yields:
            Segmentation: The cells of each image.
        """
        bar = tqdm(images, unit='image', disable=not progress)
        for number, image in enumerate(bar):
            source = ArrayImage(image, f'image {number}')
            yield self.segment_source(source, options)

    def segment_file(
        self,
        path: str | Path,
        selection: PlaneSelection | None = None,
        series: int = 0,
        options: SegmentationOptions | None = None,
        progress: bool = False,
    ) -> dict[str, Segmentation]:
        """Segment the image, or the images, of a file.

        Args:
            path (str | Path): A PNG, JPEG, BMP or TIFF file.
            selection (PlaneSelection, optional): What to make of a stack.
                Defaults to None: a file of more than one plane is an error.
            series (int): Which of several images of different shape in one
                TIFF. Defaults to 0.
            options (SegmentationOptions, optional): Defaults to None: those
                of the segmenter.
            progress (bool): As in :meth:`segment`. Defaults to False.

        Returns:
            dict[str, Segmentation]: By what tells the images of the file
            apart, such as ``'_z003'``; ``''`` where there is but one.

        Raises:
            MissingDataError: If there is no such file.
            BadDataError: If it cannot be read, or is a stack and nothing is
                chosen.
        """
        with open_stack(path, series) as stack:
            planned = plan_images(stack.layout, selection or PlaneSelection())
            return {
                one.suffix: self.segment_source(
                    FileImage(stack, one), options, progress
                )
                for one in planned
            }

    def segment_source(
        self,
        source: ImageSource,
        options: SegmentationOptions | None = None,
        progress: bool = False,
    ) -> Segmentation:
        """Segment an image wherever it is.

        Rows of tiles are read one after another: a file of many strips or
        tiles need not fit into memory.

        Args:
            source (ImageSource): The image.
            options (SegmentationOptions, optional): Defaults to None: those
                of the segmenter.
            progress (bool): As in :meth:`segment`. Defaults to False.

        Returns:
            Segmentation: The cells.
        """
        options = options or self.options
        run = self._tiles.start(source, options)
        with tqdm(
            desc=source.name,
            total=len(run.grid),
            unit='tile',
            disable=not progress,
        ) as bar:
            self._tiles.run(run, source, options, bar.update)
        return run.finish(self.classes)

    def segment_together(
        self,
        sources: Sequence[ImageSource],
        options: SegmentationOptions | None = None,
    ) -> list[Segmentation]:
        """Segment images of one size in one pass of the network.

        Args:
            sources (Sequence[ImageSource]): The images. Where they differ in
                size, or are larger than a tile, they are segmented one after
                another.
            options (SegmentationOptions, optional): Defaults to None: those
                of the segmenter.

        Returns:
            list[Segmentation]: The cells of each image. They are those of
            :meth:`segment_source` but for the rounding of floating-point
            sums, which depends on the size of a batch.
        """
        options = options or self.options
        runs = [self._tiles.start(source, options) for source in sources]
        if len({source.shape for source in sources}) != 1 or any(
            len(run.grid) > 1 for run in runs
        ):
            return [self.segment_source(one, options) for one in sources]
        self._tiles.run_together(runs, sources, options)
        return [run.finish(self.classes) for run in runs]

    def factor(
        self, shape: tuple[int, int], options: SegmentationOptions
    ) -> float:
        """Find the magnification of an image.

        Args:
            shape (tuple[int, int]): Its height and width.
            options (SegmentationOptions): ``scale`` or ``diameter``, else
                the config decides.

        Returns:
            float: Pixels of the network's input to a pixel of the image.

        Raises:
            BadConfigError: If a diameter is given and the config does not
                tell that of training.
        """
        return self._tiles.input.factor(shape, options.scale, options.diameter)
