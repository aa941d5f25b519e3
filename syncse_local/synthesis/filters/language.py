"""Language drift: an output in another script than its sentence, or with another language's small words.

A heuristic without a model: it names no language that it has no list for, and says nothing of short texts.
"""

from syncse_local.synthesis.filters.settings import Language
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, drop_if
from syncse_local.text.language import has_drifted, own_scripts, script_share

VERSION = 1
"""Of this filter's outcomes: goes up with every change of one, and stands beside each verdict."""


def check(settings: Language) -> Check:
    """The filter `language`; its score is the lower share, of the two outputs, of letters in the sentence's scripts."""

    def judge(row: Candidate) -> Finding:
        own = own_scripts(row.sentence)
        if not own:
            return drop_if(None, None)
        score = min(script_share(text, own) for text in (row.positive, row.negative))
        if score < settings.min_script:
            return drop_if(Reason.SCRIPT, score)
        drifted = any(has_drifted(row.sentence, text) for text in (row.positive, row.negative))
        return drop_if(Reason.LANGUAGE if drifted else None, score)

    return Check("language", VERSION, judge)
