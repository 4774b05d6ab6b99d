"""Start of the process group; two real processes are in test_distributed."""

import os
import socket
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from mmengine.config import Config
from torch import distributed

from cupre_mm.utils import launch
from cupre_mm.utils.errors import BadConfigError

NAMES = (
    *('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'),
    *('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID', 'SLURM_NODELIST'),
)


@pytest.fixture
def lone_rank(monkeypatch):
    """Environment without a launcher, and no group left over after it."""
    monkeypatch.setattr(launch, 'get_device', lambda: 'cpu')
    for name in NAMES:
        # Set first, so that what the launch sets is taken back.
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'):
        monkeypatch.setenv(name, '1')
    yield monkeypatch
    launch.stop_processes()


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def torchrun_variables(patch) -> None:
    for name, value in dict(
        RANK='0', WORLD_SIZE='1', LOCAL_RANK='0', MASTER_ADDR='127.0.0.1'
    ).items():
        patch.setenv(name, value)
    patch.setenv('MASTER_PORT', free_port())


def test_single_process_is_left_alone(lone_rank):
    config = Config(dict(launcher='none', sync_bn='torch'))
    launch.start_processes(config)
    assert not distributed.is_initialized()
    assert config.to_dict() == dict(launcher='none', sync_bn='torch')


def test_gloo_starts_and_the_config_fits_a_cpu(lone_rank, capsys):
    torchrun_variables(lone_rank)
    config = Config(
        dict(launcher='pytorch', sync_bn='torch', find_unused_parameters=True)
    )
    launch.start_processes(config)
    assert distributed.get_backend() == 'gloo'
    assert config.sync_bn is None
    assert "sync_bn='torch' is turned off" in capsys.readouterr().out
    assert config.model_wrapper_cfg == dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=True,
        device_ids=None,
    )
    assert config.env_cfg.dist_cfg.timeout == launch.DEFAULT_TIMEOUT == 1800
    launch.stop_processes()
    assert not distributed.is_initialized()


def test_wrapper_and_timeout_of_the_config_are_kept(lone_rank):
    torchrun_variables(lone_rank)
    wrapper = dict(type='MMDistributedDataParallel', bucket_cap_mb=5)
    config = Config(
        dict(
            launcher='pytorch',
            model_wrapper_cfg=wrapper,
            env_cfg=dict(cudnn_benchmark=True, dist_cfg=dict(timeout=77)),
        )
    )
    launch.start_processes(config)
    assert config.model_wrapper_cfg == dict(wrapper, device_ids=None)
    assert config.env_cfg.cudnn_benchmark is True
    group = distributed.group.WORLD
    backend = group._get_backend(launch.torch.device('cpu'))
    assert backend.options._timeout == timedelta(seconds=77)


def test_slurm_names_the_first_host_of_its_list(lone_rank, tmp_path):
    scontrol = tmp_path / 'scontrol'
    scontrol.write_text(
        '#!/bin/sh\n[ "$3" = "here[1-2]" ] && echo localhost && echo other\n'
    )
    scontrol.chmod(scontrol.stat().st_mode | stat.S_IXUSR)
    lone_rank.setenv('PATH', f'{tmp_path}{os.pathsep}{os.environ["PATH"]}')
    for name, value in dict(
        SLURM_PROCID='0',
        SLURM_NTASKS='1',
        SLURM_LOCALID='0',
        SLURM_NODELIST='here[1-2]',
    ).items():
        lone_rank.setenv(name, value)
    lone_rank.setenv('MASTER_PORT', free_port())
    launch.start_processes(Config(dict(launcher='slurm')))
    assert os.environ['MASTER_ADDR'] == 'localhost'
    assert distributed.get_world_size() == 1


def test_slurm_without_scontrol_asks_for_the_address(lone_rank, tmp_path):
    lone_rank.setenv('PATH', str(tmp_path))
    for name in ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'):
        lone_rank.setenv(name, '0')
    with pytest.raises(BadConfigError, match='set MASTER_ADDR'):
        launch.start_processes(Config(dict(launcher='slurm')))


@pytest.mark.parametrize(
    ('launcher', 'missing', 'command'),
    [
        ('pytorch', 'no RANK, WORLD_SIZE;', 'torchrun --nproc_per_node 2'),
        ('slurm', 'no SLURM_PROCID', 'srun --ntasks-per-node 2'),
        ('mpi', 'no OMPI_COMM_WORLD_RANK', 'mpirun -np 2'),
    ],
)
def test_launcher_that_did_not_start_the_process(
    lone_rank, launcher, missing, command
):
    with pytest.raises(BadConfigError, match=missing) as caught:
        launch.start_processes(Config(dict(launcher=launcher)))
    assert command in str(caught.value)


@pytest.mark.parametrize('timeout', [0, -1, 'long', True, None])
def test_timeout_that_is_no_number_of_seconds(lone_rank, timeout):
    torchrun_variables(lone_rank)
    environment = dict(dist_cfg=dict(timeout=timeout))
    with pytest.raises(BadConfigError, match=r'dist_cfg\.timeout'):
        launch.start_processes(
            Config(dict(launcher='pytorch', env_cfg=environment))
        )


def test_address_that_nobody_answers_at(lone_rank):
    torchrun_variables(lone_rank)
    lone_rank.setenv('RANK', '1')
    lone_rank.setenv('WORLD_SIZE', '2')
    config = Config(
        dict(launcher='pytorch', env_cfg=dict(dist_cfg=dict(timeout=1)))
    )
    with pytest.raises(BadConfigError, match='process 1 of 2 does not reach'):
        launch.start_processes(config)


def test_more_processes_than_gpus(lone_rank):
    torchrun_variables(lone_rank)
    lone_rank.setenv('LOCAL_RANK', '2')
    lone_rank.setattr(launch, 'get_device', lambda: 'cuda')
    lone_rank.setattr(launch.torch.cuda, 'is_available', lambda: True)
    lone_rank.setattr(launch.torch.cuda, 'device_count', lambda: 2)
    with pytest.raises(BadConfigError, match=r'torch finds 2\. Start 2'):
        launch.start_processes(Config(dict(launcher='pytorch')))


def test_lone_process_starts_like_itself(lone_rank):
    launch.check_same_start(Config(dict(resume=True, load_from='x.pth')))
    assert not Path('x.pth').exists()
