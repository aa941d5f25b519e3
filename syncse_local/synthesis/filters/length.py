"""Length ratio: an output with far fewer or far more words than its sentence. Knows counts only."""

from syncse_local.synthesis.filters.settings import Length
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, drop_if
from syncse_local.text.words import tokens

VERSION = 1
"""Of this filter's outcomes: goes up with every change of one, and stands beside each verdict."""
SMOOTHING = 2  # added to both counts: in a sentence of three words, one word more is no drift


def check(settings: Length) -> Check:
    """The filter `length`; its score is the ratio, of the two, that is farther from 1."""

    def judge(row: Candidate) -> Finding:
        base = len(tokens(row.sentence)) + SMOOTHING
        ratios = [(len(tokens(text)) + SMOOTHING) / base for text in (row.positive, row.negative)]
        score = max(ratios, key=lambda ratio: max(ratio, 1 / ratio))
        short = Reason.SHORT if min(ratios) < settings.min_ratio else None
        return drop_if(short or (Reason.LONG if max(ratios) > settings.max_ratio else None), score)

    return Check("length", VERSION, judge)
