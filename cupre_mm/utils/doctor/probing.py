"""Run the steps of ``probe.py`` in child processes that may die.

A compiled operator that was built for another torch can end its process with
a segmentation fault, and an import can hang. The steps after such a one are
run in a new process.
"""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROBE = Path(__file__).with_name('probe.py')


@dataclass(frozen=True)
class Outcome:
    """What one step did.

    Attributes:
        found (dict[str, Any]): What it found; empty where it failed.
        error (str): How it failed; empty where it did not.
        died (bool): Whether it took its process with it.
    """

    found: dict[str, Any] = field(default_factory=dict)
    error: str = ''
    died: bool = False


def run_steps(
    steps: Sequence[str], timeout: float, probe: Path = PROBE
) -> dict[str, Outcome]:
    """Run steps of the probe, each to an outcome.

    Args:
        steps (Sequence[str]): Names, with a value after a colon.
        timeout (float): Seconds that one process may take.
        probe (Path): The script. Defaults to ``PROBE``.

    Returns:
        dict[str, Outcome]: By step, in the given order.
    """
    outcomes: dict[str, Outcome] = {}
    while left := [step for step in steps if step not in outcomes]:
        outcomes.update(_run_once(left, timeout, probe))
    return {step: outcomes[step] for step in steps}


def _run_once(
    steps: list[str], timeout: float, probe: Path
) -> dict[str, Outcome]:
    """Run steps in one process; at least the first gets an outcome."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, 'journal')
        journal.touch()
        ended = _start([str(probe), str(journal), *steps], timeout)
        lines = journal.read_text(encoding='utf-8').splitlines()
    outcomes: dict[str, Outcome] = {}
    started = steps[0]
    for line in lines:
        entry = json.loads(line)
        started = entry['step']
        if 'found' in entry or 'error' in entry:
            outcomes[started] = Outcome(
                entry.get('found', {}), entry.get('error', '')
            )
    if started not in outcomes:
        outcomes[started] = Outcome(error=ended, died=True)
    elif not set(steps) <= set(outcomes):
        # It died between two steps, in what the one before left behind.
        following = steps[steps.index(started) + 1]
        outcomes[following] = Outcome(error=ended, died=True)
    return outcomes


def _start(arguments: list[str], timeout: float) -> str:
    """Run Python on a script; say how it ended."""
    try:
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors='replace',
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f'did not finish within {timeout:g} s'
    if done.returncode < 0:
        return f'the process was killed by {_signal_name(-done.returncode)}'
    told = (done.stderr.strip().splitlines() or ['no message'])[-1]
    return f'the process ended with code {done.returncode}: {told}'


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f'signal {number}'
