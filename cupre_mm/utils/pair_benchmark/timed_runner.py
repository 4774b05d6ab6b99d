"""Single iterations of a training loop, timed."""

import time
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.runner import Runner, set_random_seed


class TimedRunner:
    """A model in a Runner of its own that trains one iteration at a time.

    The batch is drawn once and stays in memory, so an iteration is the work
    of its loop alone. Of mmengine's hooks only the one that takes losses
    over for the log runs.

    Args:
        name (str): Name of the run, unique in the process.
        model (ConfigDict): Config of the model.
        loader (DataLoader | DualDataLoader): Where the batch comes from.
        loop (str): Type of the training loop.
        optim_wrapper (ConfigDict): Config of the optimizer wrapper.
        device (str): 'cpu' or 'cuda'.
        folder (str): Where the runner may write.
    """

    def __init__(
        self,
        name: str,
        model: ConfigDict,
        loader: Any,
        loop: str,
        optim_wrapper: ConfigDict,
        device: str,
        folder: str,
    ) -> None:
        self._cuda = device == 'cuda'
        self._others_memory = (
            torch.cuda.memory_allocated() if self._cuda else 0
        )
        left_out = (
            'timer',
            'logger',
            'param_scheduler',
            'checkpoint',
            'sampler_seed',
        )
        runner = Runner(
            model=model,
            work_dir=folder,
            train_dataloader=loader,
            train_cfg=dict(type=loop, max_iters=1),
            optim_wrapper=optim_wrapper.to_dict(),
            default_hooks=dict.fromkeys(left_out),
            default_scope='mmdet',
            log_level='ERROR',
            experiment_name=f'{Path(folder).name} {name}',
        )
        self.model = runner.model.to(device).train()
        self.model.init_weights()
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        self._runner = runner
        self._loop = runner.train_loop
        self._batch = next(iter(loader))

    def step(self, seed: int = 0) -> float:
        """Run one iteration.

        Args:
            seed (int): Seed of what the model draws at random, as RoIs.
                Defaults to 0.

        Returns:
            float: Its time in seconds, that of the device included.
        """
        set_random_seed(seed)
        self._wait()
        start = time.perf_counter()
        self._loop.run_iter(self._batch)
        self._wait()
        return time.perf_counter() - start

    def peak_memory(self, times: int) -> int:
        """Run iterations and watch the memory of the GPU.

        Args:
            times (int): Number of iterations.

        Returns:
            int: Most bytes that this model and its steps held at once, its
            weights included; 0 on the CPU.
        """
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()
        for _ in range(times):
            self.step()
        if not self._cuda:
            return 0
        return torch.cuda.max_memory_allocated() - self._others_memory

    def loss(self, task: str = '') -> float:
        """Loss of the last iteration.

        Args:
            task (str): Task of an AMT2 iteration. Defaults to '', the sum.

        Returns:
            float: The loss.
        """
        name = f'train/{task}/loss' if task else 'train/loss'
        return float(self._runner.message_hub.get_scalar(name).current())

    def _wait(self) -> None:
        if self._cuda:
            torch.cuda.synchronize()
