"""What each of two gloo processes does for test_ablation_processes.py.

Run as ``torchrun --nproc_per_node 2 -m tests.two_ablation_processes FOLDER``
with CUPRE_DATA set.
"""

import os
import sys
from pathlib import Path

import torch
from mmengine.config import Config

from cupre_mm.utils.launch import start_processes, stop_processes
from tests.narrow_runs import narrowed, run_steps, state_of
from tests.two_processes import ROOT

NAMES = ('densecl', 'fpn-projector', 'separate-bn-affine', 'simsiam')


def work(folder: Path) -> None:
    """Train each of some ablations, and write this rank's last state."""
    torch.set_num_threads(1)
    states = {}
    for name in NAMES:
        path = ROOT / f'configs/ablations/mini/amt2_{name}_mini.py'
        config = narrowed(Config.fromfile(path), folder / name, 2)
        config.launcher = 'pytorch'
        start_processes(config)
        run = run_steps(config)
        # After the hooks, of which one averages statistics.
        states[name] = state_of(run.runner.model), run.paths['moco']
    torch.save(states, folder / f'rank{os.environ["RANK"]}.pth')
    stop_processes()


if __name__ == '__main__':
    work(Path(sys.argv[1]))
