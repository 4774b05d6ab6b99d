"""A training run of one linear layer, for tests of hooks around training.

It takes milliseconds an iteration, and can be run in a process of its own
that receives real signals.
"""

import itertools
import os
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

_number = itertools.count()


class Points(Dataset):
    """Eight seeded points of four features, and their sum."""

    metainfo = dict(classes=('point',))

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(index)
        point = torch.rand(4, generator=generator)
        return point, point.sum()


class Line(BaseModel):
    """A linear layer with dropout, which draws random numbers."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.register_buffer('ballast', torch.zeros(width))

    def forward(
        self, points: torch.Tensor, sums: torch.Tensor, mode: str = 'tensor'
    ) -> Any:
        found = self.layer(nn.functional.dropout(points, 0.5, self.training))
        if mode == 'loss':
            return dict(loss=(found.squeeze(1) - sums).square().mean())
        return list((found.squeeze(1) - sums).abs())


class Score(BaseMetric):
    """A score that grows with every validation."""

    calls = itertools.count(1)

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results += [0] * len(data_samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        return dict(score=float(next(Score.calls)))


class Pause(Hook):
    """Holds a run before one iteration, until the file 'go' is there.

    Args:
        folder (Path): Where 'go' will be, and where 'mark' tells the
            iteration that the run is in.
        at (str): The phase and number of the iteration, as 'train 2'.
    """

    def __init__(self, folder: Path, at: str) -> None:
        self.mark, self.go = folder / 'mark', folder / 'go'
        self.at = at

    def _wait(self, here: str) -> None:
        self.mark.write_text(here)
        while here == self.at and not self.go.exists():
            time.sleep(0.01)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        self._wait(f'train {runner.iter}')

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        self._wait(f'val {batch_idx}')


def toy_runner(
    work_dir: Path, options: dict[str, Any] | None = None, *hooks: Hook
) -> Runner:
    """Build a run of four iterations with a checkpoint after each.

    Args:
        work_dir (Path): Its work dir.
        options (dict, optional): Values to change, by dotted keys.
            Defaults to None.
        *hooks (Hook): Further hooks.

    Returns:
        Runner: The runner.
    """
    loader = dict(
        batch_size=2,
        num_workers=0,
        dataset=Points(),
        collate_fn=dict(type='default_collate'),
        sampler=dict(type='InfiniteSampler', shuffle=True),
    )
    validation = {**loader, 'sampler': dict(type='DefaultSampler')}
    config = Config(
        dict(
            train_cfg=dict(by_epoch=False, max_iters=4, val_interval=1000),
            default_hooks=dict(
                checkpoint=dict(
                    type='cupre_mm.WholeCheckpointHook',
                    by_epoch=False,
                    interval=1,
                ),
                safe_stop=dict(type='cupre_mm.SafeStopHook'),
            ),
            workers=0,
            width=4,
            resume=False,
            load_from=None,
            validate=False,
            finite=False,
        ),
        format_python_code=False,
    )
    config.merge_from_dict(options or {})
    loader['num_workers'] = config.workers
    if config.finite:
        loader['sampler'] = dict(type='DefaultSampler', shuffle=True)
    if config.workers:
        loader['persistent_workers'] = True
    # The runner sets its seed after the model is made.
    torch.manual_seed(0)
    runner = Runner(
        Line(config.width),
        str(work_dir),
        train_dataloader=loader,
        train_cfg=config.train_cfg,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        param_scheduler=dict(type='ExponentialLR', gamma=0.9, by_epoch=False),
        default_hooks=config.default_hooks,
        load_from=config.load_from,
        resume=config.resume,
        val_dataloader=validation if config.validate else None,
        val_cfg=dict() if config.validate else None,
        val_evaluator=Evaluator(Score()) if config.validate else None,
        log_processor=dict(by_epoch=False),
        log_level='ERROR',
        randomness=dict(seed=3),
        experiment_name=f'toy_{os.getpid()}_{next(_number)}',
        cfg=Config(dict(work='toy'), format_python_code=False),
    )
    for hook in hooks:
        runner.register_hook(hook)
    return runner
