"""What share of the draws each of several sources gets."""

from collections.abc import Mapping


def tempered_shares(
    counts: Mapping[str, float], temperature: float
) -> dict[str, float]:
    """Shares that lie between proportional to size and all equal.

    A source of n images gets a share proportional to n^(1/T). This is how
    corpora of unequal languages are balanced for multilingual pre-training
    (mBERT, XLM), there written with the exponent 1/T.

    Args:
        counts (Mapping[str, float]): Size of each source, positive.
        temperature (float): T. 1 is proportional, infinity equal.

    Returns:
        dict[str, float]: Shares, which sum to 1.
    """
    # Relative to the largest, no power of any size overflows.
    largest = max(counts.values())
    raised = {
        name: (count / largest) ** (1 / temperature)
        for name, count in counts.items()
    }
    return _normalised(raised)


def cap_repeats(
    shares: Mapping[str, float],
    counts: Mapping[str, float],
    max_repeat: float,
) -> dict[str, float]:
    """Lower the shares of sources that would be repeated too often.

    What a capped source loses goes to the others, in proportion to their
    shares; those that come to lie above the cap by that are capped, too.

    Args:
        shares (Mapping[str, float]): Shares, which sum to 1.
        counts (Mapping[str, float]): Size of each source, positive.
        max_repeat (float): Highest ratio of a source's share to its share
            of all counts, at least 1.

    Returns:
        dict[str, float]: Shares, which sum to 1.
    """
    limits = {
        name: max_repeat * share for name, share in _normalised(counts).items()
    }
    capped: dict[str, float] = {}
    free = dict(shares)
    while free:
        left = 1.0 - sum(capped.values())
        scale = left / sum(free.values())
        above = {
            name
            for name, share in free.items()
            # Rounding must not cap a source that lies on its limit.
            if share * scale > limits[name] * (1 + 1e-12)
        }
        if not above:
            free = {name: share * scale for name, share in free.items()}
            break
        capped |= {name: limits[name] for name in above}
        free = {name: s for name, s in free.items() if name not in above}
    return {name: {**capped, **free}[name] for name in shares}


def _normalised(values: Mapping[str, float]) -> dict[str, float]:
    total = sum(values.values())
    return {name: value / total for name, value in values.items()}
