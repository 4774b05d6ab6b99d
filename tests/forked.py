"""Processes that tests start by a fork, and send real signals to."""

import atexit
import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

import torch


def in_process(
    function: Callable[..., Any], *args: Any
) -> multiprocessing.Process:
    """Run a function in a forked process that leads a group of its own."""
    process = multiprocessing.get_context('fork').Process(
        target=_lead, args=(function, *args)
    )
    process.start()
    # A test that fails leaves it running, and Python waits for its children.
    atexit.register(process.kill)
    return process


def _lead(function: Callable[..., Any], *args: Any) -> None:
    os.setpgid(0, 0)
    torch.set_num_threads(1)
    function(*args)


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is so; a machine may be slow."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)
