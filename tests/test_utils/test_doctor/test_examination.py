from pathlib import Path

from cupre_mm.utils.doctor.examination import CHECKS, run_check
from cupre_mm.utils.doctor.state import State

STATE = State(Path('data'), Path('work_dirs'), Path(), 5)


def test_check_that_fails_is_a_finding_and_stops_nothing():
    def check_moon_phase(state):
        raise ZeroDivisionError('no moon')

    (found,) = run_check(check_moon_phase, STATE)
    assert (found.check, found.status) == ('moon phase', 'problem')
    assert 'ZeroDivisionError: no moon' in found.summary


def test_checks_without_outcomes_of_the_probe_end_as_findings():
    for check in CHECKS:
        for found in run_check(check, STATE):
            assert found.status in ('ok', 'warning', 'problem')
