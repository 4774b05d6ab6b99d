from collections import deque

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from torch import Tensor
from torch.nn import functional as F

from cupre_mm.models import KeyQueue


def unit_keys(number: int, dim: int = 3) -> Tensor:
    return F.normalize(torch.randn(number, dim), dim=1)


def oldest_first(queue: KeyQueue) -> Tensor:
    """Keys of shape (K, C) in the order in which they will leave."""
    return queue.negatives().T.roll(-int(queue.queue_ptr), dims=0)


@pytest.mark.parametrize(
    ('length', 'batches'),
    [
        (8, [4, 4, 4]),
        (7, [3, 3, 3, 3]),
        (5, [2, 5, 1, 4]),
        (6, [6, 6]),
        (4, [9, 1]),
        (4, [8, 3, 3]),
        (3, [1, 10, 2, 11]),
        (1, [1, 3, 2]),
        (5, [0, 2, 0]),
    ],
)
def test_wraps_like_a_deque_at_any_batch_size(length, batches):
    torch.manual_seed(0)
    queue = KeyQueue(length, dim=3)
    expected = deque(queue.negatives().T, maxlen=length)
    for size in batches:
        keys = unit_keys(size)
        queue.enqueue(keys)
        expected.extend(keys)
        assert oldest_first(queue).equal(torch.stack(tuple(expected)))
    assert int(queue.queue_ptr) == sum(batches) % length


def test_starts_with_random_unit_vectors_that_count_as_empty():
    queue = KeyQueue(16, dim=5)
    norms = queue.negatives().norm(dim=0)
    torch.testing.assert_close(norms, torch.ones(16))
    assert queue.negatives().unique(dim=1).shape == (5, 16)
    assert queue.fill.item() == 0


def test_fill_grows_to_one_and_stays():
    queue = KeyQueue(6, dim=3)
    shares = []
    for _ in range(3):
        queue.enqueue(unit_keys(4))
        shares.append(queue.fill.item())
    assert shares == pytest.approx([4 / 6, 1, 1])


def test_negatives_do_not_change_when_keys_come_in():
    queue = KeyQueue(4, dim=3)
    negatives = queue.negatives()
    kept = negatives.clone()
    queue.enqueue(unit_keys(4))
    assert negatives.equal(kept)
    assert not queue.negatives().equal(kept)


def test_stays_float32_with_keys_of_half_precision():
    queue = KeyQueue(4, dim=3)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        queue.enqueue(unit_keys(2).bfloat16())
    assert queue.negatives().dtype == torch.float32


def test_keys_are_stored_without_their_graph():
    queue = KeyQueue(4, dim=3)
    queue.enqueue(unit_keys(2).requires_grad_())
    assert not queue.queue.requires_grad


def test_checkpoint_carries_keys_pointer_and_fill():
    saved, other = KeyQueue(5, dim=3), KeyQueue(5, dim=3)
    saved.enqueue(unit_keys(3))
    other.load_state_dict(saved.state_dict())
    assert other.negatives().equal(saved.negatives())
    assert int(other.queue_ptr) == 3
    assert other.fill.item() == pytest.approx(0.6)


def test_queue_of_another_length_leaves_no_count_behind():
    saved, queue = KeyQueue(8, dim=3), KeyQueue(5, dim=3)
    saved.enqueue(unit_keys(7))
    keys = queue.negatives()
    load_state_dict(queue, saved.state_dict(), strict=False)
    assert queue.negatives().equal(keys)
    assert int(queue.queue_ptr) == 0
    assert queue.fill.item() == 0


@pytest.mark.parametrize('size', [{'length': 0}, {'dim': 0}])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ValueError, match='at least 1'):
        KeyQueue(**size)
