"""Campaigns: many cases in a child process that may crash, hang or starve.

The child writes each case to a file before it runs it, so that whatever ends
the child leaves behind the case that did.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.targets import all_targets

ROOT = Path(__file__).resolve().parents[2]
# Seconds of processor time; a case is some milliseconds of work.
DEADLINE = 20.0
# What a case may ask for beyond what the imports take.
MEMORY = 2**30
CASE, COUNT, FAILURES = 'case', 'count', 'failures.jsonl'
_POLL = 0.2
# Of processor time, and of time, without a new case: the first one has all
# imports to wait for.
_PATIENCE = 5 * DEADLINE
_LONGEST_WAIT = 900.0


@dataclass
class Failure:
    """A way in which cases failed.

    Attributes:
        place: Kind of the error and where it came from.
        file: The first such case.
        message: Of its error.
        count: How many cases failed so.
    """

    place: str
    file: Path
    message: str
    count: int = 1


@dataclass
class Outcome:
    """What a campaign found.

    Attributes:
        target: Name of the target.
        cases: Cases run.
        refused: Cases that ended with a documented error.
        seconds: Time it took.
        failures: By place.
    """

    target: str
    cases: int = 0
    refused: int = 0
    seconds: float = 0.0
    failures: dict[str, Failure] = field(default_factory=dict)


def run_campaign(
    name: str,
    cases: int,
    start: int,
    limit: float,
    out: Path,
    coverage: bool = False,
) -> Outcome:
    """Run cases of one target in child processes.

    Args:
        name: Of the target.
        cases: How many.
        start: Seed of the first child; one that dies is followed by another
            with the next seed, for the cases that are left.
        limit: Seconds after which no more cases are started.
        out: Folder for the cases that fail.
        coverage: Whether atheris chooses the cases by the code they reach.

    Returns:
        What was found.
    """
    out.mkdir(parents=True, exist_ok=True)
    found, began = Outcome(name), time.monotonic()
    suffix = all_targets()[name].suffix
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        while found.cases < cases and time.monotonic() - began < limit:
            left = limit - (time.monotonic() - began)
            before = found.cases
            ended = _watch(
                name, cases - found.cases, start, left, work, coverage
            )
            _collect(found, work, out, suffix, ended)
            start += 1
            if coverage and ended is None:
                # Of what atheris tries, some bytes make no case.
                break
            if found.cases == before:
                raise RuntimeError(f'{name}: no case was run ({ended})')
    found.seconds = time.monotonic() - began
    return found


def _watch(
    name: str,
    cases: int,
    start: int,
    limit: float,
    work: Path,
    coverage: bool,
) -> str | None:
    """Run one child; tell what ended it, if not itself."""
    for left in work.iterdir():
        if left.is_file():
            left.unlink()
    command = [
        sys.executable,
        '-m',
        'tests.fuzz.child_process',
        name,
        str(cases),
    ]
    command += [str(start), str(limit), str(work)]
    command += ['coverage'] * coverage
    with (work / 'log').open('wb') as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        watch = _Watch(child.pid, work / CASE)
        hung = False
        while child.poll() is None and not hung:
            time.sleep(_POLL)
            # The timer in the child ends what Python runs; this, the rest.
            hung = watch.is_hanging()
        if hung:
            child.kill()
            child.wait()
    if hung:
        return 'hang in native code'
    if child.returncode == 0:
        return None
    if child.returncode < 0:
        return f'crash by {signal.Signals(-child.returncode).name}'
    tail = (work / 'log').read_text(errors='replace')[-2000:]
    raise RuntimeError(f'the campaign itself failed: {tail}')


class _Watch:
    """Tells a child that hangs from one that gets no processor."""

    def __init__(self, pid: int, case: Path) -> None:
        self._stat = Path(f'/proc/{pid}/stat')
        self._case = case
        self._begun: tuple[int, float, float] | None = None

    def is_hanging(self) -> bool:
        """Whether the same case has been running for too long."""
        try:
            changed = self._case.stat().st_mtime_ns
            times = self._stat.read_text().rpartition(')')[2].split()[11:13]
        except OSError:
            return False
        busy = sum(map(int, times)) / os.sysconf('SC_CLK_TCK')
        if self._begun is None or self._begun[0] != changed:
            self._begun = changed, busy, time.monotonic()
        _, before, since = self._begun
        waited = time.monotonic() - since
        return busy - before > _PATIENCE or waited > _LONGEST_WAIT


def _collect(
    found: Outcome, work: Path, out: Path, suffix: str, ended: str | None
) -> None:
    count = work / COUNT
    if count.exists():
        run, refused = map(int, count.read_text().split() or (0, 0))
        found.cases += run
        found.refused += refused
    for line in _lines(work / FAILURES):
        _add(found, Path(line['file']), out, suffix, **line['about'])
    case = work / CASE
    if ended and case.exists():
        _add(found, case, out, suffix, ended, ended, 1)


def _lines(path: Path) -> list[dict]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def _add(
    found: Outcome,
    case: Path,
    out: Path,
    suffix: str,
    place: str,
    message: str,
    count: int,
) -> None:
    if place in found.failures:
        found.failures[place].count += count
        return
    digest = hashlib.sha256(case.read_bytes()).hexdigest()[:10]
    file = out / f'{found.target}-{digest}{suffix}'
    shutil.copyfile(case, file)
    found.failures[place] = Failure(place, file, message, count)
