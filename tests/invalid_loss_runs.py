"""Runs of a toy regression by mmengine's Runner, without mmdet's data."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import nn
from torch.utils.data import DataLoader

BATCH = 4
_run_number = itertools.count()


class ToyModel(BaseModel):
    """Batch norm and a linear layer; the loss is the mean of its squares."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.linear = nn.Linear(3, 2)
        self.scale = scale

    def forward(
        self, inputs: torch.Tensor, data_samples: list, mode: str = 'tensor'
    ) -> dict[str, torch.Tensor]:
        values = self.linear(self.norm(inputs))
        return dict(
            loss_square=self.scale * values.square().mean(),
            loss_shift=values.mean(),
            acc=values.max(),
        )


class ToyData:
    """Samples 0, 1, 2 ..., where some are NaN."""

    metainfo: dict = {}

    def __init__(self, length: int, invalid: Sequence[int]) -> None:
        generator = torch.Generator().manual_seed(1)
        self.values = torch.randn(length, 3, generator=generator)
        for index in invalid:
            self.values[index] = float('nan')

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = BaseDataElement(metainfo=dict(img_path=f'image_{index}.png'))
        return dict(inputs=self.values[index], data_samples=sample)


def collate(samples: list[dict]) -> dict[str, Any]:
    return dict(
        inputs=torch.stack([one['inputs'] for one in samples]),
        data_samples=[one['data_samples'] for one in samples],
    )


def toy_run(
    work_dir: Path,
    hooks: Sequence[Hook | dict],
    invalid: Sequence[int] = (),
    iterations: int = 4,
    scale: float = 1.0,
    **options: Any,
) -> Runner:
    """Build a run that draws samples in order, four an iteration.

    Args:
        work_dir (Path): Work dir.
        hooks (Sequence[Hook | dict]): Hooks beside mmengine's.
        invalid (Sequence[int]): Samples that are NaN. Defaults to ().
        iterations (int): Length of the run. Defaults to 4.
        scale (float): Factor of the loss. Defaults to 1.0.
        **options: Arguments of the Runner to add or replace.

    Returns:
        Runner: The runner, before training.
    """
    torch.manual_seed(0)
    arguments = dict(
        model=ToyModel(scale),
        work_dir=str(work_dir),
        experiment_name=f'toy_{next(_run_number)}',
        train_dataloader=DataLoader(
            ToyData(BATCH * iterations, invalid),
            batch_size=BATCH,
            collate_fn=collate,
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=iterations),
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.1),
        ),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1)
        ),
        custom_hooks=list(hooks),
        log_processor=dict(by_epoch=False),
        randomness=dict(seed=3),
    )
    return Runner(**{**arguments, **options})
