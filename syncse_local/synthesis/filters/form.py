"""Well-formedness: enough letters, no leftover markup, balanced brackets and quotes, an end. Knows no language well.

What the sentence itself shows is no fault in an output.
"""

import re
import unicodedata

from syncse_local.synthesis.filters.settings import Form
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, drop_if
from syncse_local.text.words import LOOKED_AT

VERSION = 1
"""Of this filter's outcomes: goes up with every change of one, and stands beside each verdict."""
_MARKUP = re.compile(r"</?[a-zA-Z|][^<>]{0,60}>|```|\*\*|\]\(|^#{1,6} |&(?:amp|lt|gt|quot|nbsp|#\d+);|\ufffd|\{\w+\}")
_PAIRS = ("()", "[]", "{}")
_QUOTES = ('"', "\u201c\u201d\u201e", "\u00ab\u00bb")  # which of a kind opens depends on the language
_DANGLING = re.compile(r"(?:[,;:\-\u2013\u2014(\[]|\b(?:the|an?|and|or|but|because))$", re.I)


def check(settings: Form) -> Check:
    """The filter `well_formed`; its score is the lower share of letters and digits of the two outputs."""

    def judge(row: Candidate) -> Finding:
        outputs = (row.positive[:LOOKED_AT], row.negative[:LOOKED_AT])
        score = min(letter_share(text) for text in outputs)
        faults = (fault(text, row.sentence[:LOOKED_AT]) for text in outputs)
        few = Reason.FEW_LETTERS if score < settings.min_letters else None
        return drop_if(few or next((found for found in faults if found), None), score)

    return Check("well_formed", VERSION, judge)


def letter_share(text: str) -> float:
    """The share of letters, marks and digits among the characters that are no space."""
    visible = [char for char in text if not char.isspace()]
    return sum(unicodedata.category(char)[0] in "LMN" for char in visible) / len(visible) if visible else 0.0


def fault(text: str, sentence: str) -> Reason | None:
    """What is wrong with an output that is not wrong with its sentence."""
    if _MARKUP.search(text) and not _MARKUP.search(sentence):
        return Reason.MARKUP
    if not balanced(text) and balanced(sentence):
        return Reason.UNBALANCED
    if _DANGLING.search(text.rstrip()) and not _DANGLING.search(sentence.rstrip()):
        return Reason.DANGLING
    return None


def balanced(text: str) -> bool:
    """Whether brackets come in pairs and double quotes of each kind in an even number."""
    even = all(sum(map(text.count, kind)) % 2 == 0 for kind in _QUOTES)
    return even and all(text.count(pair[0]) == text.count(pair[1]) for pair in _PAIRS)
