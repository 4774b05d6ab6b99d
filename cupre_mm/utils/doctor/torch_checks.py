"""Checks of torch, torchvision and the GPU."""

import shutil
import subprocess

from cupre_mm.utils.distributions import release
from cupre_mm.utils.doctor.findings import OK, PROBLEM, WARNING, Finding
from cupre_mm.utils.doctor.installed import installed_version
from cupre_mm.utils.doctor.state import State
from cupre_mm.utils.doctor.tested_versions import (
    TESTED,
    TORCH_LOWEST,
    differences,
    pinned,
)

INSTALL = f'pip install {pinned("torch", "torchvision")}'
REINSTALL = INSTALL.replace('install', 'install --force-reinstall', 1)


def check_torch(state: State) -> list[Finding]:
    """Look at torch and the torchvision that goes with it.

    Args:
        state (State): With what importing the two gave.

    Returns:
        list[Finding]: One finding for each of the two.
    """
    return [_check_torch(state), _check_torchvision(state)]


def _check_torch(state: State) -> Finding:
    outcome = state.outcomes['torch']
    version = installed_version('torch')
    if version is None and outcome.error:
        return Finding('torch', PROBLEM, 'torch is not installed', (INSTALL,))
    if outcome.error:
        mend = (REINSTALL,)
        if 'setuptools' in outcome.error or 'pkg_resources' in outcome.error:
            mend = ('pip install "setuptools>=77,<81"',)
        return Finding(
            'torch',
            PROBLEM,
            f'torch {version} cannot be imported: {outcome.error}',
            mend,
        )
    found = outcome.found
    build = 'CPU build'
    if found['cuda']:
        build = f'build for CUDA {found["cuda"]}'
    elif found['hip']:
        build = f'build for ROCm {found["hip"]}'
    told = f'{found["version"]}, {build}, {found["threads"]} threads'
    if release(found['version']) < release(TORCH_LOWEST):
        return Finding(
            'torch',
            PROBLEM,
            f'{told}; at least {TORCH_LOWEST} is needed',
            (INSTALL,),
            found,
        )
    other = differences({'torch': found['version']})
    if other:
        told += f'; not the tested version: {", ".join(other)}'
    return Finding('torch', OK, told, (), found)


def _check_torchvision(state: State) -> Finding:
    outcome = state.outcomes['import:torchvision']
    version = installed_version('torchvision')
    if outcome.error:
        told = 'not installed'
        if version:
            told = f'{version} cannot be imported: {outcome.error}'
        return Finding('torchvision', PROBLEM, told, (REINSTALL,))
    return Finding('torchvision', OK, str(version), (), outcome.found)


def check_gpu(state: State) -> list[Finding]:
    """Look at the GPUs, and whether torch can use them.

    Args:
        state (State): With what torch says, and a sum on its GPU if any.

    Returns:
        list[Finding]: One finding.
    """
    torch = state.outcomes['torch']
    seen = _nvidia_smi()
    gpus = torch.found.get('gpus', [])
    details = {'torch': gpus, 'nvidia_smi': seen}
    if gpus:
        error = state.outcomes['gpu_sum:cuda'].error
        return [_check_usable(torch.found, error, seen, details)]
    if not seen:
        told = 'none found: everything runs on the CPU, slowly'
        return [Finding('gpu', OK, told, (), details)]
    if torch.error:
        told = f'{", ".join(seen)}; torch has to be mended first'
        return [Finding('gpu', WARNING, told, (), details)]
    if not torch.found['cuda']:
        return [
            Finding(
                'gpu',
                WARNING,
                f'{", ".join(seen)}, but torch {torch.found["version"]} is '
                'a CPU build; mmcv has to be compiled anew after torch',
                (REINSTALL, *compile_mmcv()),
                details,
            )
        ]
    return [
        Finding(
            'gpu',
            WARNING,
            f'{", ".join(seen)}, but torch for CUDA {torch.found["cuda"]} '
            'cannot use it: the driver is too old for that CUDA, or '
            'CUDA_VISIBLE_DEVICES hides it',
            ('unset CUDA_VISIBLE_DEVICES', 'nvidia-smi'),
            details,
        )
    ]


def _check_usable(
    found: dict, error: str, seen: list[str], details: dict
) -> Finding:
    """Compare the GPUs with what torch was compiled for."""
    told = '; '.join(
        f'{gpu["name"]}, {gpu["memory_gib"]} GiB ({gpu["free_gib"]} free), '
        f'capability {gpu["capability"][0]}.{gpu["capability"][1]}'
        for gpu in found['gpus']
    )
    if seen:
        told += f'; driver {seen[0].rpartition(", driver ")[2]}'
    foreign = [
        gpu['name']
        for gpu in found['gpus']
        if not runs_on(gpu['capability'], found['arch_list'])
    ]
    if found['hip']:
        foreign = []
    if not foreign and not error:
        return Finding('gpu', OK, told, (), details)
    compiled = ' '.join(found['arch_list'])
    reason = error or f'torch has kernels for {compiled} alone'
    return Finding(
        'gpu',
        PROBLEM,
        f'{told}; torch {found["version"]} cannot compute on '
        f'{", ".join(foreign) or "it"}: {reason}',
        (REINSTALL, 'make setup CUDA_VISIBLE_DEVICES='),
        details,
    )


def runs_on(capability: list[int], arch_list: list[str]) -> bool:
    """Tell whether code compiled for a list of targets runs on a GPU.

    Args:
        capability (list[int]): Major and minor compute capability.
        arch_list (list[str]): Targets as torch lists them: ``sm_90`` is
            binary code, for GPUs of the same major and at least this minor
            version, ``compute_90`` code that any later GPU compiles.

    Returns:
        bool: Whether one of them fits.
    """
    major, minor = capability
    for target in arch_list:
        kind, _, number = target.partition('_')
        digits = number.rstrip('af')
        if not digits.isdigit():
            continue
        of = (int(digits[:-1]), int(digits[-1]))
        if kind == 'sm' and of[0] == major and of[1] <= minor:
            return True
        if kind == 'compute' and of <= (major, minor):
            return True
    return False


def compile_mmcv() -> tuple[str, ...]:
    """Write the commands that compile the installed mmcv anew.

    Returns:
        tuple[str, ...]: Shell commands.
    """
    name = 'mmcv' if installed_version('mmcv') else 'onedl-mmcv'
    version = installed_version(name)
    version = (version or TESTED[name]).partition('+')[0]
    return (
        'pip install "setuptools>=77,<81" wheel ninja',
        f'pip cache remove {name.replace("-", "_")}',
        'MMCV_WITH_OPS=1 pip install --no-build-isolation --no-deps '
        f'--force-reinstall --no-binary {name} {name}=={version}',
    )


def _nvidia_smi() -> list[str]:
    """Ask the driver for its GPUs; none where there is no driver."""
    if shutil.which('nvidia-smi') is None:
        return []
    query = '--query-gpu=name,memory.total,driver_version'
    try:
        done = subprocess.run(
            ['nvidia-smi', query, '--format=csv,noheader'],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if done.returncode != 0:
        return []
    rows = [line.split(', ') for line in done.stdout.splitlines()]
    return [
        f'{row[0]}, {row[1]}, driver {row[2]}' for row in rows if len(row) == 3
    ]
