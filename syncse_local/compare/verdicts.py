"""What may be said of a difference, and which encoders share a tier. Knows no statistics and no store."""

import math
from collections.abc import Mapping, Sequence

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"


def margin(difference: float, by_items: tuple[float, float], floor: float) -> float:
    """How large a difference must be: the noise of items and of training seeds, which are independent, as the root of the
    sum of squares. `by_items` is the corrected interval over items alone; its reach is towards 0. Never below the floor."""
    reach = difference - by_items[0] if difference > 0 else by_items[1] - difference
    return math.hypot(floor, reach)


def verdict(difference: float, corrected: tuple[float, float], rejected: bool, needed: float) -> str:
    """`better` or `worse` where Holm rejects, the corrected interval leaves out 0, and the difference exceeds the margin."""
    outside = corrected[0] > 0 or corrected[1] < 0
    if not (rejected and outside and abs(difference) > needed):
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
