"""What filters are given and what they say: a triplet with its place in the plan, a verdict, a score, a reason.

Knows no filter and no database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Candidate(NamedTuple):
    """An accepted triplet of a run: `ordinal` is its place in the plan, `key` names its sentence."""

    ordinal: int
    key: str
    sentence: str
    positive: str
    negative: str


class Verdict(StrEnum):
    """KEEP; DROP: not part of the filtered view; FLAG: kept, and counted; SWAP: kept with positive and negative exchanged."""

    KEEP = "keep"
    DROP = "drop"
    FLAG = "flag"
    SWAP = "swap"


class Reason(StrEnum):
    """Why a verdict is not a plain KEEP. UNMEASURED is a KEEP for want of a measurement."""

    FEW_LETTERS = "few_letters"
    MARKUP = "markup"
    UNBALANCED = "unbalanced"
    DANGLING = "dangling"
    SCRIPT = "script"
    LANGUAGE = "language"
    SHORT = "short"
    LONG = "long"
    COPY = "copy"
    SAME = "same"
    BELOW_CHANCE = "below_chance"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    TOO_FAR = "too_far"
    TOO_CLOSE = "too_close"
    JUDGED = "judged"
    EVALUATION = "evaluation"
    UNMEASURED = "unmeasured"


class Finding(NamedTuple):
    """One filter's word on one triplet."""

    verdict: Verdict
    score: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One filter with its thresholds filled in. Bump `version` with every change of outcome."""

    name: str
    version: int
    judge: Callable[[Candidate], Finding]


def drop_if(reason: Reason | None, score: float | None) -> Finding:
    """DROP where there is a reason, else KEEP."""
    return Finding(Verdict.DROP if reason else Verdict.KEEP, score, reason)
