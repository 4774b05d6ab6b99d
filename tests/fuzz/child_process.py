"""The process that runs the cases of a campaign, see :mod:`.campaign`."""

import faulthandler
import json
import logging
import os
import resource
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.campaign import CASE, COUNT, DEADLINE, FAILURES, MEMORY
from tests.fuzz.targets import Target, all_targets, attempt, place_of


def run_cases(
    target: Target,
    cases: int,
    start: int,
    limit: float,
    work: Path,
    coverage: bool = False,
) -> None:
    """What the child does: run cases, and go on after failures.

    Args:
        target: The target.
        cases: How many.
        start: Seed.
        limit: Seconds after which the rest is not run.
        work: Folder for the current case, failures and scratch files.
        coverage: Whether atheris chooses the cases.
    """
    scratch = work / 'scratch'
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    places: dict[str, Path] = {}
    guarded = _guard(lambda data: attempt(target, data, scratch))
    began, run, refused = time.monotonic(), 0, 0

    @seed(start)
    @settings(
        max_examples=cases,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(target.cases)
    def many(data: bytes) -> None:
        nonlocal run, refused
        if time.monotonic() - began > limit:
            return
        (work / CASE).write_bytes(data)
        (work / COUNT).write_text(f'{run + 1} {refused}')
        run += 1
        try:
            refused += guarded(data) is not None
        except Exception as error:
            _note(places, work, error, data)
        (work / COUNT).write_text(f'{run} {refused}')

    if coverage:
        _let_atheris_choose(
            many.hypothesis.fuzz_one_input, cases, start, limit, work
        )
    many()


def _note(
    places: dict[str, Path], work: Path, error: Exception, data: bytes
) -> None:
    place = place_of(error)
    if place not in places:
        places[place] = work / f'failed{len(places)}'
        places[place].write_bytes(data)
    about = dict(place=place, message=str(error)[:500], count=1)
    line = dict(file=str(places[place]), about=about)
    # At once: the next case may end the process.
    with (work / FAILURES).open('a') as file:
        file.write(json.dumps(line) + '\n')


def _let_atheris_choose(
    one_case: Callable[[bytes], object],
    cases: int,
    start: int,
    limit: float,
    work: Path,
) -> None:
    """Run cases that reach new code, and end the process."""
    import atheris

    options = [
        f'-runs={cases}',
        f'-seed={start + 1}',
        f'-max_total_time={max(1, int(limit))}',
        # Time and memory are watched here already.
        '-timeout=1200',
        f'-artifact_prefix={work}/',
        '-rss_limit_mb=0',
        '-max_len=4096',
        '-len_control=0',
    ]
    atheris.Setup([sys.argv[0], *options], one_case)
    atheris.Fuzz()


def _guard(work: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Limit the time and memory of each case."""

    def alarm(*_: object) -> None:
        raise TimeoutError(f'a case took more than {DEADLINE:g} s')

    signal.signal(signal.SIGPROF, alarm)
    limited = False

    def guarded(data: bytes) -> object:
        nonlocal limited
        signal.setitimer(signal.ITIMER_PROF, DEADLINE if limited else 0)
        try:
            return work(data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            if not limited:
                # The first case is over, and with it the imports.
                limited = True
                _limit_memory()

    return guarded


def _limit_memory() -> None:
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    used = pages * os.sysconf('SC_PAGE_SIZE')
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))


def main(arguments: list[str]) -> None:
    """Run as a child of :func:`run_campaign`."""
    name, cases, start, limit, work, *how = arguments
    faulthandler.enable()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter('ignore')
    with _instrumented() if how else nullcontext():
        run_cases(
            all_targets()[name],
            int(cases),
            int(start),
            float(limit),
            Path(work),
            bool(how),
        )


def _instrumented() -> AbstractContextManager:
    """Let what is imported from here on tell atheris where it is."""
    import atheris

    return atheris.instrument_imports(include=['cupre_mm', 'tools'])


if __name__ == '__main__':
    main(sys.argv[1:])
