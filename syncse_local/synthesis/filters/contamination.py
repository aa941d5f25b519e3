"""The filter `contamination`: a text of an evaluation set, word for word or, if an encoder is named, nearly in meaning.

It flags and never drops: training leaves out what it flags, and can be told not to. The cosines were measured before.
"""

from collections.abc import Callable

from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.filters.settings import Contamination
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, Verdict

NAME = "contamination"
VERSION = 2
"""Of this filter's outcomes: goes up with every change of one, and stands beside each verdict."""
HighestCosine = Callable[[str], float | None]
"""The highest cosine of a text with any evaluation sentence, or None where it was not measured."""


def check(settings: Contamination, gate: Gate, highest_cosine: HighestCosine) -> Check:
    """The filter; its score is the highest cosine of the three texts, or without an encoder whether words match."""

    def judge(row: Candidate) -> Finding:
        texts = (row.sentence, row.positive, row.negative)
        matched = gate.first_match(texts) is not None
        measured = [found for found in map(highest_cosine, texts) if found is not None]
        score = max(measured, default=float(matched))
        if matched or (measured and score > settings.max_cosine):
            return Finding(Verdict.FLAG, score, Reason.EVALUATION)
        unmeasured = settings.encoder and len(measured) < len(texts)
        return Finding(Verdict.KEEP, score, Reason.UNMEASURED if unmeasured else None)

    return Check(NAME, VERSION, judge)
