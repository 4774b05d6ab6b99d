"""How Cellpose is trained from scratch, by its own documentation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CellposeRecipe:
    """Settings of Cellpose 3.1 for nuclei, trained from random weights.

    The values are the defaults of ``python -m cellpose --train
    --pretrained_model None --train_size`` of Cellpose 3.1.1, which its
    documentation gives for training from scratch
    (https://cellpose.readthedocs.io/en/v3.1.1.1/train.html), with the
    diameter that the documentation names for nuclei. The network is the
    residual U-Net of Stringer et al. (Nature Methods 18, 2021).

    Args:
        channels (tuple[int, int]): Channel to segment and second channel;
            (0, 0) is gray, for which Cellpose takes the mean of the colours,
            and no second one. Defaults to (0, 0).
        diam_mean (float): Diameter in px that objects are scaled to.
            Defaults to 17, as of Cellpose's own nucleus model.
        learning_rate (float): Of SGD with momentum 0.9; rises for 10 epochs
            and is halved every 10 epochs in the last 100. Defaults to 0.2.
        weight_decay (float): Defaults to 1e-5.
        n_epochs (int): Defaults to 500.
        batch_size (int): Crops of 224 x 224 px. Defaults to 8.
        nimg_per_epoch (int, optional): Crops of an epoch, drawn from all
            images. Cellpose's own option to bound the time. Defaults to
            None: as many as images.
        min_train_masks (int): Images with fewer instances are left out.
            Defaults to 5.
        size_model (bool): Whether a size model is trained, and estimates the
            diameter in each test image; otherwise the mean diameter of the
            training images is used for all. Defaults to True.
        amp (str, optional): ``'bfloat16'`` trains under autocast; it is no
            part of the documented recipe. Prediction is in float32 always.
            Defaults to None: float32.
        flow_threshold (float): Largest error of the flows of a mask.
            Defaults to 0.4.
        cellprob_threshold (float): Least logit of a cell's pixel. Defaults
            to 0.
        min_size (int): Least size of a mask in px. Defaults to 15.
    """

    channels: tuple[int, int] = (0, 0)
    diam_mean: float = 17.0
    learning_rate: float = 0.2
    weight_decay: float = 1e-5
    n_epochs: int = 500
    batch_size: int = 8
    nimg_per_epoch: int | None = None
    min_train_masks: int = 5
    size_model: bool = True
    amp: str | None = None
    flow_threshold: float = 0.4
    cellprob_threshold: float = 0.0
    min_size: int = 15

    def deviations(self) -> list[str]:
        """Name what differs from the documented recipe.

        Returns:
            list[str]: Such as ``'n_epochs=20 (documented: 500)'``.
        """
        documented = CellposeRecipe()
        return [
            f'{name}={value} (documented: {getattr(documented, name)})'
            for name, value in vars(self).items()
            if value != getattr(documented, name)
        ]
