"""What may be said of a difference, and which encoders share a tier. Knows no statistics and no store."""

from collections.abc import Mapping, Sequence

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"
UNKNOWN = "nothing says how training seeds scatter"
"""How a note begins that gives no verdict on recipes, for want of a second run."""


def margin(difference: float, interval: tuple[float, float]) -> float:
    """How large the difference would have to be: the reach of its interval towards 0."""
    return difference - interval[0] if difference > 0 else interval[1] - difference


def verdict(difference: float, interval: tuple[float, float], rejected: bool) -> str:
    """`better` or `worse` where the procedure rejects; its interval then leaves out 0, which is checked."""
    if not rejected or interval[0] <= 0 <= interval[1]:
        return CANNOT_TELL
    return BETTER if difference > 0 else WORSE


def tiers(scores: Mapping[str, float], above: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Names in tiers, the best first; `above` has (better, worse) for every pair that can be told apart.

    Two names that cannot be told apart share a tier, and so do all that a chain of such pairs connects: every name of a
    tier is better than every name of the tiers below it. Within a tier the order is that of `scores`, which says nothing.
    """
    groups = [[name] for name in scores]
    while (pair := _mixed(groups, set(above))) is not None:
        first, second = pair
        groups[first] += groups.pop(second)
    order = list(scores)
    groups.sort(key=lambda group: -sum(scores[name] for name in group) / len(group))
    return [sorted(group, key=order.index) for group in groups]


def _mixed(groups: list[list[str]], above: set[tuple[str, str]]) -> tuple[int, int] | None:
    """The places of two groups of which neither is wholly above the other; None where there are none."""
    for first in range(len(groups)):
        for second in range(first + 1, len(groups)):
            pairs = [(a, b) for a in groups[first] for b in groups[second]]
            if not all(pair in above for pair in pairs) and not all((b, a) in above for a, b in pairs):
                return first, second
    return None
