"""A language model's similarity scores as a filter (MultiCSR's rule), the request that asks for them, and its answer.

The scores were given before (see `judging`); knows no engine.
"""

import re

from syncse_local.records import Message, Sampling
from syncse_local.synthesis.filters.cosine import UNMEASURED, Measured
from syncse_local.synthesis.filters.settings import Judge
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, Verdict
from syncse_local.synthesis.strip import strip_reply
from syncse_local.text.clean import normalise

VERSION = 1
"""Of this filter's outcomes and of how an answer is read: goes up with every change of one."""
CONTEXT = "judge/similarity/0"
PROMPT = """Rate how similar two sentences are in meaning, on a scale from 0 to 5:
5 the same meaning, 4 the same but for unimportant details, 3 roughly the same, but important details differ or are missing,
2 not the same, but they share details, 1 only on the same topic, 0 on different topics.
Reply with the number alone."""
PREFIX = (Message("system", PROMPT),)
SAMPLING = Sampling(temperature=0.0, top_p=1.0, max_tokens=8)
_NUMBER = re.compile(r"(?<![\d.,-])[0-5](?:\.\d+)?(?!\d|[.,]\d)")
_SCALE = 5.0  # the highest score of the prompt; "5.5" is a 5


def turn(sentence: str, output: str) -> str:
    """The user's message about one pair."""
    return f"Sentence 1: {normalise(sentence)}\nSentence 2: {normalise(output)}"


def parse_score(raw: str, finish: str) -> float | None:
    """The first number from 0 to 5 in an answer; None where there is none. Never raises."""
    if finish in ("refused", "error", "cancelled"):
        return None
    found = _NUMBER.search(" ".join(strip_reply(raw).lines))
    return min(float(found.group()), _SCALE) if found else None


def check(settings: Judge, measured: Measured) -> Check:
    """The filter `judge`; its score is the positive's minus the negative's.

    Keep a positive of `min_positive` or more with a negative of `max_negative` or less, unless both have the same score;
    a negative that scores above its positive takes its place first.
    """

    def judge(row: Candidate) -> Finding:
        positive, negative = measured(row.sentence, row.positive), measured(row.sentence, row.negative)
        if positive is None or negative is None:
            return UNMEASURED
        high, low = max(positive, negative), min(positive, negative)
        if high < settings.min_positive or low > settings.max_negative or high == low:
            return Finding(Verdict.DROP, positive - negative, Reason.JUDGED)
        reversed_ = positive < negative
        return Finding(
            Verdict.SWAP if reversed_ else Verdict.KEEP, positive - negative, Reason.JUDGED if reversed_ else None
        )

    return Check("judge", VERSION, judge)
