"""Starts and ends the group of processes of a distributed run."""

import os
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import all_gather_object, init_dist, is_distributed
from mmengine.utils.dl_utils import set_multi_processing
from torch import distributed

from cupre_mm.utils.errors import BadConfigError

DEFAULT_TIMEOUT = 1800
"""Seconds that a process waits for the others in one collective."""

_DEFAULT_PORT = '29500'
# Where each launcher says which process this is.
_VARIABLES = dict(
    pytorch=dict(RANK='RANK', WORLD_SIZE='WORLD_SIZE'),
    slurm=dict(
        RANK='SLURM_PROCID',
        WORLD_SIZE='SLURM_NTASKS',
        LOCAL_RANK='SLURM_LOCALID',
    ),
    mpi=dict(
        RANK='OMPI_COMM_WORLD_RANK',
        WORLD_SIZE='OMPI_COMM_WORLD_SIZE',
        LOCAL_RANK='OMPI_COMM_WORLD_LOCAL_RANK',
    ),
)
_COMMANDS = dict(
    pytorch='torchrun --nproc_per_node 2 tools/train.py CONFIG '
    '--launcher pytorch',
    slurm='srun --ntasks-per-node 2 python tools/train.py CONFIG '
    '--launcher slurm',
    mpi='mpirun -np 2 python tools/train.py CONFIG --launcher mpi',
)


def start_processes(config: Config) -> None:
    """Start the process group of a distributed run; Runner takes it over.

    With an accelerator it is mmengine's ``init_dist`` (NCCL and its like),
    without one gloo, which mmengine cannot start. For gloo the config is
    changed to what a CPU can do: the model's wrapper gets no device, and
    ``sync_bn`` is turned off, with a line that says so.

    Where ``env_cfg.dist_cfg.timeout`` is not set, it becomes
    :data:`DEFAULT_TIMEOUT` seconds: a process that waits longer for the
    others in one collective ends the run with an error.

    Args:
        config (Config): Config of the run, changed in place. Nothing
            happens if its ``launcher`` is 'none'.

    Raises:
        BadConfigError: If the launcher's environment is not there, the
            timeout is no positive number, this machine has no accelerator
            for each process, or the others cannot be reached.
    """
    launcher = config.get('launcher', 'none')
    if launcher == 'none':
        return
    variables = _read_variables(launcher)
    options = _read_options(config)
    device = get_device()
    if device == 'mps':
        raise BadConfigError(
            f'--launcher {launcher}: one process uses all of an Apple GPU; '
            'train without --launcher'
        )
    if device == 'cpu':
        _fit_to_cpu(config, quiet=variables['RANK'] != '0')
    else:
        _check_gpus(variables)
    if is_distributed():
        return
    # As Runner does before it starts a group; it finds all done then.
    mp_cfg = (config.get('env_cfg') or {}).get('mp_cfg') or {}
    set_multi_processing(**mp_cfg, distributed=True)
    os.environ.update(variables)
    try:
        if device == 'cpu':
            _set_address(launcher)
            distributed.init_process_group(
                'gloo', timeout=timedelta(seconds=options['timeout'])
            )
        else:
            init_dist(launcher, **options)
    except (distributed.DistNetworkError, distributed.DistStoreError) as error:
        raise BadConfigError(
            f'process {variables["RANK"]} of {variables["WORLD_SIZE"]} does '
            f'not reach the others at {os.environ.get("MASTER_ADDR")}:'
            f'{os.environ.get("MASTER_PORT")} ({str(error).splitlines()[0]}); '
            'docs/distributed.md has the commands for one machine and several'
        ) from error


def stop_processes() -> None:
    """End the process group, where there is one."""
    if is_distributed():
        distributed.destroy_process_group()


def check_same_start(config: Config) -> None:
    """Make sure that all processes start from the same checkpoint.

    A folder that not all machines share would let one process resume, and
    another one begin anew.

    Args:
        config (Config): Config of the run.

    Raises:
        BadConfigError: If they do not, on every process.
    """
    mine = (bool(config.get('resume')), config.get('load_from'))
    starts = all_gather_object(mine)
    if any(start != starts[0] for start in starts):
        listed = '; '.join(
            f'rank {rank} {"resumes" if resume else "starts"} from {path}'
            for rank, (resume, path) in enumerate(starts)
        )
        raise BadConfigError(
            f'the processes would not start alike: {listed}. Give a '
            '--work-dir on storage that all machines see, or one checkpoint: '
            '--resume FILE'
        )


def _read_variables(launcher: str) -> dict[str, str]:
    names = _VARIABLES[launcher]
    missing = [name for name in names.values() if name not in os.environ]
    if missing:
        raise BadConfigError(
            f'--launcher {launcher}: the environment has no '
            f'{", ".join(missing)}; start with: {_COMMANDS[launcher]}'
        )
    return {name: os.environ[source] for name, source in names.items()}


def _read_options(config: Config) -> dict[str, Any]:
    environment = config.get('env_cfg') or {}
    options = dict(environment.get('dist_cfg') or {})
    timeout = options.setdefault('timeout', DEFAULT_TIMEOUT)
    number = isinstance(timeout, (int, float))
    if not number or isinstance(timeout, bool) or not timeout > 0:
        raise BadConfigError(
            f'env_cfg.dist_cfg.timeout={timeout!r} must be a number of '
            'seconds above 0'
        )
    config.env_cfg = {**environment, 'dist_cfg': options}
    return options


def _check_gpus(variables: Mapping[str, str]) -> None:
    local_rank = int(
        variables.get('LOCAL_RANK', os.environ.get('LOCAL_RANK', 0))
    )
    found = torch.cuda.device_count() if torch.cuda.is_available() else None
    if found is not None and local_rank >= found:
        raise BadConfigError(
            f'process {local_rank + 1} of this machine has no GPU of its '
            f'own: torch finds {found}. Start {found} processes, or train on '
            'the CPU with CUDA_VISIBLE_DEVICES=-1'
        )


def _set_address(launcher: str) -> None:
    """Name the machine of rank 0, as mmengine does for an accelerator."""
    if launcher != 'pytorch':
        os.environ.setdefault('MASTER_PORT', _DEFAULT_PORT)
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        nodes = os.environ.get('SLURM_NODELIST', '')
        try:
            hosts = subprocess.run(
                ['scontrol', 'show', 'hostnames', nodes],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
        except (OSError, subprocess.CalledProcessError) as error:
            raise BadConfigError(
                f'--launcher slurm: scontrol does not tell the hosts of '
                f'SLURM_NODELIST={nodes!r} ({error}); set MASTER_ADDR to the '
                'first one'
            ) from error
        os.environ['MASTER_ADDR'] = hosts[0]
    missing = [
        name
        for name in ('MASTER_ADDR', 'MASTER_PORT')
        if name not in os.environ
    ]
    if missing:
        raise BadConfigError(
            f'--launcher {launcher}: the environment has no '
            f'{", ".join(missing)}, the machine of rank 0; start with: '
            f'{_COMMANDS[launcher]}'
        )


def _fit_to_cpu(config: Config, quiet: bool) -> None:
    wrapper = dict(config.get('model_wrapper_cfg') or {})
    if not wrapper:
        wrapper = dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=config.get('find_unused_parameters', False),
        )
    if str(wrapper.get('type', '')).endswith('DistributedDataParallel'):
        # Runner would put the number of a GPU here.
        wrapper.setdefault('device_ids', None)
    config.model_wrapper_cfg = wrapper
    if config.get('sync_bn') is not None:
        if not quiet:
            print(
                f'sync_bn={config.sync_bn!r} is turned off: SyncBatchNorm '
                'runs on GPUs only. Each process normalizes by its own batch.'
            )
        config.sync_bn = None
