"""What the collectives of an AMT2 pair cost for any number of processes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cupre_mm.utils.communication.traffic_recorder import Collective

USED_MAP = 'used parameters (DDP, from C++)'


def sent_by_rank(kind: str, payload: float, world_size: int) -> float:
    """Bytes that a process sends in one collective, mean over processes.

    Rings, as NCCL and gloo use them for large tensors: an all-reduce of S
    bytes passes 2 (N-1)/N S, an all-gather of S a process (N-1) S. For
    broadcast and reduce each process but one receives, or gives, S once.

    Args:
        kind (str): Name of the collective in ``torch.distributed``.
        payload (float): S, the bytes that one process gives.
        world_size (int): N, the number of processes.

    Returns:
        float: Bytes sent.
    """
    others = world_size - 1
    if kind == 'all_reduce':
        return 2 * others / world_size * payload
    if kind.startswith('all_gather'):
        return others * payload
    return others / world_size * payload


def summarize_calls(
    calls: Iterable[Collective], pairs: int
) -> list[dict[str, Any]]:
    """Add up equal calls.

    Args:
        calls (Iterable[Collective]): Calls of some pairs.
        pairs (int): Number of pairs.

    Returns:
        list[dict]: 'step', 'origin', 'kind', and of one pair 'calls' and
        'payload', the bytes that a process gives; in order of appearance.
    """
    numbers: Counter = Counter()
    payloads: Counter = Counter()
    for call in calls:
        key = (call.step, call.origin, call.kind)
        numbers[key] += 1
        payloads[key] += call.payload
    return [
        dict(
            zip(('step', 'origin', 'kind'), key),
            calls=number / pairs,
            payload=payloads[key] / pairs,
        )
        for key, number in numbers.items()
    ]


def scale_views(
    rows: Sequence[Mapping[str, Any]], pixels: float, views: float
) -> list[dict[str, Any]]:
    """Take measured rows to batches of other sizes.

    Only what the contrastive task gathers depends on them: images, keys and
    the order of the shuffle.

    Args:
        rows (Sequence[Mapping]): Rows of :func:`summarize_calls`.
        pixels (float): Factor of the pixels of all views of a process.
        views (float): Factor of the number of views.

    Returns:
        list[dict]: The rows, with other payloads.
    """
    scaled = []
    for row in rows:
        factor = 1.0
        if row['kind'].startswith('all_gather'):
            is_image = row['origin'].endswith('batch_shuffle_ddp')
            is_image = is_image and 'un' not in row['origin']
            factor = pixels if is_image else views
        scaled.append({**row, 'payload': row['payload'] * factor})
    return scaled


def total_sent(rows: Iterable[Mapping[str, Any]], world_size: int) -> float:
    """Bytes that a process sends in one pair.

    Args:
        rows (Iterable[Mapping]): Rows of :func:`summarize_calls`.
        world_size (int): Number of processes.

    Returns:
        float: Bytes sent, mean over processes.
    """
    return sum(
        sent_by_rank(row['kind'], row['payload'], world_size) for row in rows
    )


def table(summary: Mapping[str, Any]) -> str:
    """Draw what was measured.

    Args:
        summary (Mapping[str, Any]): 'rows' of :func:`summarize_calls`,
            'world_size', 'formula' and 'sockets' in bytes (the latter may be
            None), and 'predicted', bytes by number of processes.

    Returns:
        str: Markdown tables.
    """
    world = summary['world_size']
    lines = [
        '| step | from | collective | calls | bytes given | bytes sent |',
        '|---|---|---|---|---|---|',
    ]
    lines += [
        f'| {row["step"]} | {row["origin"]} | {row["kind"]} | '
        f'{row["calls"]:g} | {row["payload"]:,.0f} | '
        f'{sent_by_rank(row["kind"], row["payload"], world):,.0f} |'
        for row in summary['rows']
    ]
    lines += [
        '',
        f'One pair, one of {world} processes: {summary["formula"]:,.0f} '
        'bytes sent by the formula',
    ]
    if summary['sockets'] is None:
        lines[-1] += '; the sockets of this system or backend do not tell.'
    else:
        gap = summary['sockets'] / summary['formula'] - 1
        lines[-1] += (
            f', {summary["sockets"]:,.0f} by its sockets ({gap:+.2%}).'
        )
    lines += ['', '| processes | MB sent a pair, each |', '|---|---|']
    lines += [
        f'| {number} | {size / 1e6:,.1f} |'
        for number, size in summary['predicted'].items()
    ]
    return '\n'.join(lines)
