"""Which of many hypotheses hold at a family-wise level: Holm's procedure (1979) with averages as gatekeepers of their parts.

5 % is divided equally among the questions (a pair of arms on a family of tasks). Within a question the average is tested
first, and its parts only where it is rejected, with Holm. A question that is answered passes its share on to those left. A
hypothesis' share only grows as others are rejected, and all shares add up to 1, so that the procedure is one of Goeman and
Solari's (2010), and errs at most at that level. Knows p-values and nothing of where they come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Question:
    """Places of hypotheses: the `head` is tested first, if there is one, then the `rest`."""

    head: int | None = None
    rest: list[int] = field(default_factory=list)

    def places(self) -> set[int]:
        """All of them."""
        return {*self.rest, *([] if self.head is None else [self.head])}


@dataclass(frozen=True, slots=True)
class Held:
    """What the procedure says of one hypothesis: its adjusted p, whether it is rejected, at which level it was tried, and
    whether it was: without `tested` its head stands, and the level is the one that it would have had."""

    adjusted: float
    rejected: bool
    level: float
    tested: bool = True


def decide(p_values: Sequence[float], questions: Sequence[Question], alpha: float = 0.05) -> list[Held]:
    """For each p-value of the questions. Equal ones are tried at one level, so that their order says nothing.

    A single question without a head is Holm's procedure. Those that are kept have the level at which it ended.
    """
    found: dict[int, Held] = {}
    rejected, adjusted = set[int](), 0.0
    while divisors := _divisors(questions, set(found)):
        least = min(p_values[at] * divisor for at, divisor in divisors.items())
        adjusted = min(1.0, max(adjusted, least))
        for at, divisor in divisors.items():
            if p_values[at] * divisor == least:
                found[at] = Held(adjusted, adjusted <= alpha, alpha / divisor)
        if adjusted <= alpha:
            rejected = set(found)
    tested, would_be = _divisors(questions, rejected), _divisors(questions, rejected, gated=False)
    for at in found.keys() - rejected:
        found[at] = Held(found[at].adjusted, False, alpha / would_be[at], at in tested)
    return [found[at] for at in range(len(p_values))]


def _divisors(questions: Sequence[Question], done: set[int], gated: bool = True) -> dict[int, int]:
    """By how much the level of each hypothesis is divided once those `done` are rejected; those behind a head that stands
    are not tried, unless not `gated`."""
    found: dict[int, int] = {}
    left = [question for question in questions if not question.places() <= done]
    for question in left:
        rest = [at for at in question.rest if at not in done]
        closed = question.head is not None and question.head not in done
        if closed and question.head is not None:
            found[question.head] = len(left)
        if not (closed and gated):
            found |= dict.fromkeys(rest, len(left) * len(rest))
    return found
