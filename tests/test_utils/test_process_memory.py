"""Memory figures of this process."""

from pathlib import Path

import numpy as np
import pytest

from cupre_mm.utils.process_memory import memory_mib


def test_memory_in_use_shows_and_the_peak_stays_when_it_is_freed():
    if not Path('/proc/self/status').exists():
        pytest.skip('only Linux tells memory in use from the peak')
    before = memory_mib()
    block = np.ones(64 * 2**20, np.uint8)
    during = memory_mib()
    del block
    after = memory_mib()
    assert during['RssAnon'] - before['RssAnon'] == pytest.approx(64, abs=8)
    assert during['VmRSS'] - before['VmRSS'] > 50
    assert after['VmRSS'] < during['VmRSS'] - 50
    # Linux counts pages in lots for each thread.
    assert after['VmHWM'] > during['VmRSS'] - 5
