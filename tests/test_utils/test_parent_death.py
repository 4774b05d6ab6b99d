"""A command left behind by a parent that is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PARENT = """
import sys
from pathlib import Path

from cupre_mm.utils.tool_runner import run_logged

CHILD = '''
import os, signal, sys, time
from pathlib import Path

def stop(*_):
    Path(sys.argv[1], 'asked').touch()
    sys.exit()

signal.signal(signal.SIGTERM, stop)
Path(sys.argv[1], 'new').write_text(str(os.getpid()))
Path(sys.argv[1], 'new').rename(Path(sys.argv[1], 'pid'))
time.sleep(60)
'''
folder = Path(sys.argv[1])
run_logged([sys.executable, '-c', CHILD, str(folder)], folder / 'log', {})
"""


@pytest.mark.skipif(
    not sys.platform.startswith('linux'), reason='only Linux tells the child'
)
@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_a_command_is_asked_to_stop_when_its_parent_is_killed(
    tmp_path, number
):
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, '-c', PARENT, str(tmp_path)],
        env=os.environ | {'PYTHONPATH': str(root)},
    )
    assert _appears(tmp_path / 'pid')
    parent.send_signal(number)
    parent.wait()
    if not _appears(tmp_path / 'asked'):
        os.kill(int((tmp_path / 'pid').read_text()), signal.SIGKILL)
        pytest.fail('the command outlived its parent')


def _appears(path: Path) -> bool:
    # A command that stays would sleep for a minute.
    for _ in range(300):
        if path.exists():
            return True
        time.sleep(0.1)
    return False
