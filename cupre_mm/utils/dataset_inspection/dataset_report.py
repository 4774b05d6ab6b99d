"""All that is said of one data set: figures, text and plots."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cupre_mm.utils.dataset_inspection.anchor_coverage import (
    AnchorGrid,
    stock_grid,
)
from cupre_mm.utils.dataset_inspection.dataset_statistics import (
    describe_anchors,
    describe_instances,
    image_sizes,
    strata_of,
)
from cupre_mm.utils.dataset_inspection.intensity_statistics import (
    describe_intensities,
)
from cupre_mm.utils.dataset_inspection.light_coco import read_boxes
from cupre_mm.utils.dataset_inspection.pipeline_scale import scalings_of
from cupre_mm.utils.dataset_inspection.statistics_plots import (
    plot_anchors,
    plot_images,
    plot_instances,
)
from cupre_mm.utils.dataset_inspection.statistics_text import (
    anchors_text,
    instances_text,
    intensities_text,
)

Report = tuple[dict[str, Any], list[str], list[Path]]


@dataclass(frozen=True)
class Subject:
    """One data set to describe.

    Attributes:
        name (str): Name of its files.
        ann_file (str, optional): COCO json; None for unlabelled images.
        folder (str, optional): Folder of its images; None where unknown.
        files (list[str]): Images of unlabelled sources. Defaults to [].
        pipeline (Sequence[Mapping]): Transform configs. Defaults to ().
        grid (AnchorGrid, optional): Anchors to hold against it; None takes
            mmdet's own. Defaults to None.
    """

    name: str
    ann_file: str | None
    folder: str | None
    files: list[str] = field(default_factory=list)
    pipeline: Sequence[Mapping] = ()
    grid: AnchorGrid | None = None


@dataclass(frozen=True)
class ReportOptions:
    """How to describe data sets.

    Attributes:
        sample (int): Images to read for their intensities.
        stratum (str): Key of image entries to tell figures apart by.
        seed (int): Seed of the samples.
    """

    sample: int
    stratum: str
    seed: int


def describe(subject: Subject, options: ReportOptions, out: Path) -> Report:
    """Describe one data set.

    Args:
        subject (Subject): The data set.
        options (ReportOptions): How.
        out (Path): Folder of the plots.

    Returns:
        tuple[dict, list[str], list[Path]]: Figures, lines of text and
        plots.
    """
    if subject.ann_file is None:
        found, text, plots, files = {}, [], [], subject.files
    else:
        found, text, plots, files = _describe_labels(subject, options, out)
    if not options.sample:
        return found, text, plots
    if not files:
        text.append(
            'intensities left out: no folder of the images is known; name '
            'it with --images'
        )
        return found, text, plots
    seen = describe_intensities(files, options.sample, options.seed)
    if subject.ann_file is None:
        sizes = np.array([row['size'] for row in seen['images_by_file']])
        seen['image_sizes'] = image_sizes(sizes.reshape(-1, 2))
    found['intensities'] = seen
    text += intensities_text(seen)
    plots.append(
        plot_images(out / f'{subject.name}_images.png', seen, subject.name)
    )
    return found, text, plots


def _describe_labels(
    subject: Subject, options: ReportOptions, out: Path
) -> tuple[dict[str, Any], list[str], list[Path], list[str]]:
    """Figures, text and plots of the instances, and the image files."""
    coco = read_boxes(subject.ann_file)
    strata = strata_of(coco.images, options.stratum)
    instances = describe_instances(coco, strata)
    text = instances_text(instances)
    grid = subject.grid
    if grid is None:
        grid = stock_grid()
        text.append("no config given: anchors are mmdet's own")
    scalings, others = scalings_of(subject.pipeline, coco.image_sizes)
    anchors, sides, ious = describe_anchors(
        coco, scalings, grid, strata, options.seed
    )
    anchors['transforms_not_simulated'] = others
    text += anchors_text(anchors)
    if others:
        text.append(f'not simulated: {", ".join(others)}')
    plots = [
        plot_instances(
            out / f'{subject.name}_instances.png',
            coco.counts,
            np.sqrt(coco.areas),
            coco.image_of,
            strata,
            subject.name,
        ),
        plot_anchors(
            out / f'{subject.name}_anchors.png',
            sides,
            ious,
            anchors,
            subject.name,
        ),
    ]
    files = []
    if subject.folder is not None:
        names = [image['file_name'] for image in coco.images]
        files = [os.path.join(subject.folder, name) for name in names]
    found = dict(
        annotations=str(subject.ann_file),
        instances=instances,
        anchors=anchors,
    )
    return found, text, plots, files
