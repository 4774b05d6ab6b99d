"""Checks of numpy, OpenCV and the reading of COCO masks."""

from cupre_mm.utils.doctor.findings import OK, PROBLEM, WARNING, Finding
from cupre_mm.utils.doctor.installed import installed_version
from cupre_mm.utils.doctor.state import State
from cupre_mm.utils.doctor.tested_versions import pinned

STEPS = (
    'import:numpy',
    'numpy_bridge',
    'import:cv2',
    'import:pycocotools.mask',
    'import:faster_coco_eval',
)
COMPILED = ('numpy', 'pycocotools', 'faster-coco-eval')
OPENCVS = (
    'opencv-python',
    'opencv-python-headless',
    'opencv-contrib-python',
    'opencv-contrib-python-headless',
)


def check_numpy(state: State) -> list[Finding]:
    """Look at numpy and at what is compiled against it.

    Args:
        state (State): With the outcomes of ``STEPS``.

    Returns:
        list[Finding]: One finding.
    """
    version = installed_version('numpy')
    wrong = {}
    for step in STEPS:
        outcome = state.outcomes[step]
        if step == 'import:cv2' or not outcome.error:
            continue
        if step == 'numpy_bridge' and state.outcomes['torch'].error:
            continue
        wrong[step.removeprefix('import:')] = outcome.error
    details = {'version': version, 'failed': wrong}
    if not wrong:
        told = f'{version}; torch, pycocotools and faster-coco-eval take it'
        return [Finding('numpy', OK, told, (), details)]
    told = '; '.join(f'{name}: {error}' for name, error in wrong.items())
    mend = (f'pip install --force-reinstall {pinned(*COMPILED)}',)
    return [Finding('numpy', PROBLEM, f'{version}; {told}', mend, details)]


def check_opencv(state: State) -> list[Finding]:
    """Look for OpenCV distributions that overwrite each other.

    All of them install the folder ``cv2``; two of one version hold the same
    modules, and of two versions the later installed one wins in part.

    Args:
        state (State): With the outcomes of ``STEPS``.

    Returns:
        list[Finding]: One finding.
    """
    outcome = state.outcomes['import:cv2']
    found = {
        name: version
        for name in OPENCVS
        if (version := installed_version(name))
    }
    listed = ', '.join(f'{name} {version}' for name, version in found.items())
    details = {'distributions': found, 'imported': outcome.found}
    mixed = len(set(found.values())) > 1
    mend = (
        f'pip uninstall -y {" ".join(found) or OPENCVS[0]}',
        f'pip install {pinned(*OPENCVS[:2])}',
    )
    if not found and outcome.error:
        told = 'OpenCV is not installed'
        return [Finding('opencv', PROBLEM, told, mend[1:], details)]
    if outcome.error:
        if 'libGL' in outcome.error or 'libgthread' in outcome.error:
            # The one that is installed last provides cv2.
            mend = (
                'pip install --force-reinstall --no-deps '
                f'{pinned("opencv-python-headless")}',
            )
        told = f'{listed}; import cv2: {outcome.error}'
        return [Finding('opencv', PROBLEM, told, mend, details)]
    if mixed:
        told = f'{listed} overwrite each other: all are imported as cv2'
        return [Finding('opencv', WARNING, told, mend, details)]
    return [Finding('opencv', OK, listed or 'not from pip', (), details)]
