"""Cosines of a frozen encoder as filters: `positive_cosine`, `margin`, and `false_negative`, a negative that is a paraphrase.

The numbers were measured before (see `measure`): thresholds change without encoding anything anew.
"""

from collections.abc import Callable

from syncse_local.synthesis.filters.settings import Cosine
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, Verdict, drop_if

VERSION = 1
"""Of this filter's outcomes: goes up with every change of one, and stands beside each verdict."""
Measured = Callable[[str, str], float | None]
"""The value for (sentence, output), or None where there is none."""
UNMEASURED = Finding(Verdict.KEEP, None, Reason.UNMEASURED)


def checks(settings: Cosine, measured: Measured) -> list[Check]:
    """The filters; each scores the number that its threshold is for."""

    def positive_cosine(row: Candidate) -> Finding:
        found = measured(row.sentence, row.positive)
        if found is None:
            return UNMEASURED
        return drop_if(Reason.TOO_FAR if found < settings.min_positive else None, found)

    def margin(row: Candidate) -> Finding:
        near, far = measured(row.sentence, row.positive), measured(row.sentence, row.negative)
        if near is None or far is None:
            return UNMEASURED
        return drop_if(Reason.TOO_CLOSE if near - far < settings.min_margin else None, near - far)

    def false_negative(row: Candidate) -> Finding:
        found = measured(row.sentence, row.negative)
        if found is None:
            return UNMEASURED
        return drop_if(Reason.TOO_CLOSE if found > settings.max_negative else None, found)

    return [Check(judge.__name__, VERSION, judge) for judge in (positive_cosine, margin, false_negative)]
