"""The sections of a benchmark config, as the grid uses them."""

from dataclasses import dataclass, field
from typing import Any

from cupre_mm.utils.few_shot import shots_name, split_name


@dataclass(frozen=True)
class Size:
    """How many labels a fine-tuning gets.

    Attributes:
        unit (str): 'pct' or 'shots'.
        number (float): Percent of the training part, or images.
    """

    unit: str
    number: float

    @property
    def name(self) -> str:
        """Name of its folder, such as '5pct'."""
        return f'{self.number:g}{self.unit}'

    @property
    def split(self) -> str:
        """Name of its split, such as 'train_5'."""
        if self.unit == 'shots':
            return shots_name(int(self.number))
        return split_name(self.number)

    def as_dict(self) -> dict[str, float]:
        """What ``cell.json`` says of it."""
        return {{'pct': 'percent'}.get(self.unit, self.unit): self.number}


@dataclass(frozen=True)
class Data:
    """The labelled cells.

    Attributes:
        folder (str): Folder under the data root.
        splits (str): Folder of the splits in it, with ``{seed}``.
        test (str): The test part in it, the same for all seeds.
        annotations (str): What the splits are made of.
        images (str): Folder of the images in it.
        test_fraction (float): Share held out as test; 0 where ``test`` is
            not made by make_splits.py.
        val_fraction (float): Share held out to tune on.
        split_options (tuple[str]): Further arguments of make_splits.py.
        pools (tuple[dict]): Lists of unlabelled training images to write:
            ``file`` under the data root and ``split``, 'train_100' unless
            given.
        generate (tuple[str]): Command of tools/ that makes the annotations
            and all images where they are missing, its arguments with
            ``{data}`` and ``{configs}``, the folders.
    """

    folder: str
    splits: str
    test: str
    annotations: str = 'annotations/instances.json'
    images: str = 'images'
    test_fraction: float = 0.2
    val_fraction: float = 0.0
    split_options: tuple[str, ...] = ()
    pools: tuple[dict[str, str], ...] = ()
    generate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A pre-training.

    Attributes:
        name (str): Name of its folder.
        config (str): Training config.
        start (str, optional): Stage that it starts from.
        checkpoint (str, optional): File or URL that it starts from.
        iterations (int, optional): Budget; None leaves the config's.
        options (dict): Values to change in the config.
        amp (str, optional): Mixed precision; '' for that of the grid.
    """

    name: str
    config: str
    start: str | None = None
    checkpoint: str | None = None
    iterations: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    amp: str | None = ''


@dataclass(frozen=True)
class Arm:
    """One way to get a model.

    Attributes:
        name (str): Name of its folder.
        config (str): Fine-tuning config.
        title (str): What to call it.
        setting (str, optional): Group in the tables, such as 'in-domain'.
        start (str, optional): Stage that it starts from.
        checkpoint (str, optional): File or URL that it starts from.
        options (dict): Values to change in the config.
        differs (tuple[str]): Keys of the resolved config, or beginnings of
            such, that may differ from those of other arms.
        control (str | bool): For an arm with more detection images by
            intent: the arm whose number of optimizer steps it equals, or
            True for no such check.
    """

    name: str
    config: str
    title: str
    setting: str | None = None
    start: str | None = None
    checkpoint: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    differs: tuple[str, ...] = ()
    control: str | bool = False
