"""Checks of the OpenMMLab distributions and their compiled operators."""

from cupre_mm.utils.distributions import (
    KNOWN,
    NEEDED,
    diagnose,
    find_distributions,
)
from cupre_mm.utils.doctor.findings import OK, PROBLEM, Finding
from cupre_mm.utils.doctor.probing import Outcome
from cupre_mm.utils.doctor.state import State
from cupre_mm.utils.doctor.tested_versions import differences
from cupre_mm.utils.doctor.torch_checks import compile_mmcv

STEPS = tuple(f'import:{name}' for name in NEEDED)
OPERATORS = ('nms', 'roi_align', 'deform_conv')
OP_STEPS = {
    device: tuple(f'{name}:{device}' for name in OPERATORS)
    for device in ('cpu', 'cuda')
}


def check_families(state: State) -> list[Finding]:
    """Look at which distributions are installed, and whether they fit.

    Args:
        state (State): Not used.

    Returns:
        list[Finding]: One finding.
    """
    found, problems, commands = diagnose(find_distributions())
    families = sorted({KNOWN[name].family for name in found})
    listed = ', '.join(f'{name} {found[name]}' for name in found) or 'none'
    other = differences(found)
    details = {
        'distributions': found,
        'families': families,
        'clean': not problems,
        'not_tested': other,
    }
    check = 'openmmlab distributions'
    if problems:
        told = f'{listed}. {" ".join(problems)}'
        return [Finding(check, PROBLEM, told, tuple(commands), details)]
    told = f'one clean set, {families[0]}: {listed}'
    if other:
        told += f'; within the supported ranges, not tested: {other}'
    return [Finding(check, OK, told, (), details)]


def check_imports(state: State) -> list[Finding]:
    """Look at whether the packages can be imported, and are what pip says.

    Args:
        state (State): With the outcomes of ``STEPS``.

    Returns:
        list[Finding]: One finding.
    """
    diagnosis = diagnose(find_distributions())
    wrong, details = [], {}
    for module in NEEDED:
        outcome = state.outcomes[f'import:{module}']
        details[module] = outcome.error or outcome.found
        if outcome.error:
            wrong.append(f'import {module}: {outcome.error}')
            continue
        recorded = [
            version
            for name, version in diagnosis.found.items()
            if KNOWN[name].module == module
        ]
        version = outcome.found['version']
        if recorded and version and version not in recorded:
            # What uninstalling one side of a mixed set leaves behind.
            wrong.append(
                f'{module} says it is version {version}, pip says '
                f'{" and ".join(recorded)}: files of two are mixed'
            )
    if not wrong:
        told = f'{", ".join(NEEDED)} can be imported'
        return [Finding('openmmlab imports', OK, told, (), details)]
    mend = tuple(diagnosis.commands)
    if not mend and state.outcomes['torch'].error:
        mend = ('mend torch first, then run this again',)
    if not mend:
        pinned = ' '.join(
            f'{name}=={version}'
            for name, version in diagnosis.found.items()
            if KNOWN[name].module != 'mmcv'
        )
        mend = (
            f'pip install --force-reinstall --no-deps {pinned}',
            *compile_mmcv(),
        )
    told = '; '.join(wrong)
    return [Finding('openmmlab imports', PROBLEM, told, mend, details)]


def check_operators(state: State) -> list[Finding]:
    """Look at what the compiled operators did, on the CPU and on a GPU.

    Args:
        state (State): With the outcomes of ``OP_STEPS``.

    Returns:
        list[Finding]: One finding for each device.
    """
    findings = []
    for device, steps in OP_STEPS.items():
        ran = {
            step.partition(':')[0]: state.outcomes[step]
            for step in steps
            if step in state.outcomes
        }
        if ran:
            findings.append(_check_device(state, device, ran))
    return findings


def _check_device(
    state: State, device: str, ran: dict[str, Outcome]
) -> Finding:
    """Judge what the operators did on one device."""
    check = f'mmcv operators on {device}'
    details = {name: one.error or 'ok' for name, one in ran.items()}
    failed = [f'{name}: {one.error}' for name, one in ran.items() if one.error]
    if not failed:
        told = f'{", ".join(ran)} gave the right values'
        return Finding(check, OK, told, (), details)
    if state.outcomes['torch'].error:
        return Finding(
            check,
            PROBLEM,
            'cannot run without torch',
            ('mend torch first, then run this again',),
            details,
        )
    diagnosis = diagnose(find_distributions())
    mend = tuple(diagnosis.commands) or compile_mmcv()
    on_cpu = [state.outcomes[step].error for step in OP_STEPS['cpu']]
    told = '; '.join(failed)
    if device != 'cpu' and not any(on_cpu):
        told += '. On the CPU they work: mmcv was compiled without the GPU'
        mend = (*mend[:-1], f'FORCE_CUDA=1 {mend[-1]}')
    return Finding(check, PROBLEM, told, mend, details)
