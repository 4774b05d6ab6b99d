"""The formula for N processes."""

import pytest

from cupre_mm.utils.communication.ring_traffic import (
    scale_views,
    sent_by_rank,
    summarize_calls,
    table,
    total_sent,
)
from cupre_mm.utils.communication.traffic_recorder import Collective

CALLS = [
    Collective('moco', 'batch_shuffle.batch_shuffle_ddp', 'all_gather', 800),
    Collective('moco', 'batch_shuffle.batch_unshuffle_ddp', 'all_gather', 40),
    Collective('moco', 'gradients (DDP bucket)', 'all_reduce', 1000),
    Collective('moco', 'gradients (DDP bucket)', 'all_reduce', 500),
] * 2


@pytest.mark.parametrize(
    ('kind', 'sent'),
    [
        ('all_reduce', [0, 100, 150, 175]),
        ('all_gather', [0, 100, 300, 700]),
        ('broadcast', [0, 50, 75, 87.5]),
    ],
)
def test_bytes_of_a_ring(kind, sent):
    assert [sent_by_rank(kind, 100, n) for n in (1, 2, 4, 8)] == sent


def test_calls_are_counted_for_one_pair():
    rows = summarize_calls(CALLS, pairs=2)
    assert [row['calls'] for row in rows] == [1, 1, 2]
    assert [row['payload'] for row in rows] == [800, 40, 1500]
    assert total_sent(rows, 2) == 800 + 40 + 1500
    assert total_sent(rows, 4) == 3 * 840 + 1.5 * 1500


def test_views_change_what_is_gathered_alone():
    rows = scale_views(summarize_calls(CALLS, 2), pixels=32.0, views=8.0)
    assert [row['payload'] for row in rows] == [25600, 320, 1500]


def test_table_holds_the_formula_against_the_sockets():
    rows = summarize_calls(CALLS, 2)
    summary = dict(
        rows=rows,
        world_size=2,
        formula=2000.0,
        sockets=2020.0,
        predicted={8: 3e6},
    )
    text = table(summary)
    assert '| 2 | 1,500 | 1,500 |' in text
    assert (
        '2,000 bytes sent by the formula, 2,020 by its sockets (+1.00%)'
        in (text)
    )
    assert '| 8 | 3.0 |' in text
    assert 'do not tell' in table({**summary, 'sockets': None})
