import io
import random

import numpy as np
import torch

from cupre_mm.utils.random_states import random_states, set_random_states


def draw() -> tuple[float, float, float, float]:
    return (
        random.gauss(0, 1),
        np.random.normal(),
        np.random.rand(),
        torch.rand(1).item(),
    )


def test_states_are_restored_after_a_save_that_runs_no_code():
    # An odd number of normals leaves one half of a pair in each state.
    draw()
    saved = io.BytesIO()
    torch.save(random_states(), saved)
    expected = [draw() for _ in range(3)]
    saved.seek(0)
    set_random_states(torch.load(saved, weights_only=True))
    assert [draw() for _ in range(3)] == expected
