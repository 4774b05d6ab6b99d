"""The recorder in a group of one process, and the sockets' counters."""

import socket

import pytest
import torch
from torch import distributed

from cupre_mm.utils.communication.traffic_recorder import (
    Collective,
    TrafficRecorder,
    bytes_sent,
)


@pytest.fixture
def lone_group(tmp_path):
    distributed.init_process_group(
        'gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1
    )
    yield
    distributed.destroy_process_group()


def test_calls_are_recorded_with_bytes_and_caller(lone_group):
    recorder = TrafficRecorder()
    original = distributed.all_reduce
    with recorder.recording():
        recorder.step = 'moco'
        distributed.all_reduce(torch.zeros(3, dtype=torch.float64))
        distributed.all_gather([torch.zeros(2)], torch.zeros(2))
    assert distributed.all_reduce is original
    origin = f'{__name__.rpartition(".")[2]}.'
    origin += 'test_calls_are_recorded_with_bytes_and_caller'
    assert recorder.calls == [
        Collective('moco', origin, 'all_reduce', 24),
        Collective('moco', origin, 'all_gather', 8),
    ]


def test_buckets_hold_every_parameter(lone_group):
    model = torch.nn.Linear(5, 4)
    wrapped = torch.nn.parallel.DistributedDataParallel(model)
    recorder = TrafficRecorder()
    recorder.watch_gradients(wrapped)
    with recorder.recording():
        wrapped(torch.ones(2, 5)).sum().backward()
    assert sum(call.payload for call in recorder.calls) == 4 * (5 * 4 + 4)
    assert {c.origin for c in recorder.calls} == {'gradients (DDP bucket)'}
    assert model.weight.grad.unique().tolist() == [2.0]


@pytest.mark.skipif(bytes_sent() is None, reason='no Linux')
def test_sockets_tell_what_was_sent():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
        with (
            socket.create_connection(server.getsockname()) as sender,
            server.accept()[0] as receiver,
        ):
            before = bytes_sent()
            sender.sendall(b'x' * 50_000)
            left = 50_000
            while left:
                left -= len(receiver.recv(left))
            assert bytes_sent() - before == 50_000
