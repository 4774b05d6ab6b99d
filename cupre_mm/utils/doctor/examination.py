"""All checks of the doctor, each kept from stopping the others."""

from collections.abc import Callable
from dataclasses import replace

from cupre_mm.utils.doctor import (
    data_checks,
    library_checks,
    machine_checks,
    mim_checks,
    openmmlab_checks,
    python_checks,
    torch_checks,
)
from cupre_mm.utils.doctor.findings import PROBLEM, Finding
from cupre_mm.utils.doctor.probing import run_steps
from cupre_mm.utils.doctor.state import State

Check = Callable[[State], list[Finding]]

CHECKS: tuple[Check, ...] = (
    python_checks.check_python,
    python_checks.check_cupre_mm,
    python_checks.check_shadows,
    torch_checks.check_torch,
    torch_checks.check_gpu,
    openmmlab_checks.check_families,
    openmmlab_checks.check_imports,
    openmmlab_checks.check_operators,
    library_checks.check_numpy,
    library_checks.check_opencv,
    mim_checks.check_setuptools,
    mim_checks.check_mim,
    data_checks.check_data,
    machine_checks.check_disk,
    machine_checks.check_shared_memory,
    machine_checks.check_open_files,
)


def examine(state: State, timeout: float = 300.0) -> list[Finding]:
    """Run every check.

    Args:
        state (State): The folders to look at; its outcomes are filled in.
        timeout (float): Seconds that a child process may take. Defaults to
            300.

    Returns:
        list[Finding]: In the order of ``CHECKS``.
    """
    state = replace(state, outcomes=_probe(timeout))
    findings = []
    for check in CHECKS:
        findings += run_check(check, state)
    return findings


def run_check(check: Check, state: State) -> list[Finding]:
    """Run one check; what it raises becomes a finding.

    Args:
        check (Check): The check.
        state (State): What it looks at.

    Returns:
        list[Finding]: What it found.
    """
    try:
        return check(state)
    except Exception as error:
        name = check.__name__.removeprefix('check_').replace('_', ' ')
        told = (
            f'this check itself failed with {type(error).__name__}: {error}; '
            'please report it'
        )
        return [Finding(name, PROBLEM, told)]


def _probe(timeout: float) -> dict:
    """Run the steps of all checks; those of the GPU where torch has one."""
    steps = [
        'torch',
        'import:torchvision',
        *library_checks.STEPS,
        *openmmlab_checks.STEPS,
        *openmmlab_checks.OP_STEPS['cpu'],
    ]
    outcomes = run_steps(steps, timeout)
    if outcomes['torch'].found.get('gpus'):
        on_gpu = ['gpu_sum:cuda', *openmmlab_checks.OP_STEPS['cuda']]
        outcomes |= run_steps(on_gpu, timeout)
    return outcomes
