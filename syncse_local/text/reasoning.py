"""How models mark reasoning: where it opens and closes, where the answer begins and ends, what a leftover looks like.

One table, for the parser, which keeps answers alone, and for prompts, in which a thought that a template leaves open is closed. The
forms are those of the models' published chat templates. Knows no model and no prompt.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

_WORD = r"(?:[a-z_]{1,12}:)?(?:think|thinking|thoughts?|reason|reasoning|analysis|reflection|scratchpad|cot)(?::[a-z0-9]{1,12})?"


_START = r"\A"


@dataclass(frozen=True, slots=True)
class Format:
    """One way of marking. `opens` and `closes` are patterns; the answer begins after what `closes` matches.

    An opening that is plain words counts at the start of a completion, or at the end of a prompt.

    `closing` is written after an open mark to end it; `{tag}` in it is the mark's own name.
    """

    families: str
    opens: str
    closes: str
    closing: str = ""


FORMATS = (
    Format(
        "Qwen, DeepSeek, GLM, MiniMax, OLMo, Phi, Seed, Granite, EXAONE and most others",
        rf"<(?P<tag>{_WORD})>",
        rf"</{_WORD}>",
        "\n\n</{tag}>\n\n",
    ),
    Format("Magistral, Ministral", r"\[THINK\]", r"\[/THINK\]", "[/THINK]"),
    Format(
        "Cohere",
        r"<\|START_THINKING\|>",
        r"(?:<\|END_THINKING\|>\s*)?<\|START_(?:RESPONSE|TEXT)\|>|<\|END_THINKING\|>",
        "<|END_THINKING|><|START_RESPONSE|>",
    ),
    Format("Kimi-VL", "◁think▷", "◁/think▷", "◁/think▷"),
    Format(
        "gpt-oss",
        r"<\|channel\|>\s*(?:analysis|commentary)\b[^<]{0,80}<\|message\|>|<\|channel\|>\s*(?:analysis|commentary)",
        r"<\|channel\|>\s*final\b[^<]{0,80}<\|message\|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
    Format("gpt-oss without its marks", r"\Aanalysis(?=[A-Z\"'])", r"\Aanalysis[\s\S]*assistant ?final"),
    Format("Gemma 4", r"<\|channel>\s*thought\n?", r"<channel\|>", "<channel|>"),
    Format("Apertus", r"<\|inner_prefix\|>", r"<\|inner_suffix\|>", "<|inner_suffix|>"),
    Format(
        "Solar",
        r"<\|think\|>",
        r"(?:<\|think\|>[^<]*<\|end\|>\s*)?(?:<\|begin\|>assistant)?<\|content\|>",
        "<|end|><|begin|>assistant<|content|>",
    ),
    Format("Muse", r"assistant to=self<\|message\|>", r"assistant to=user<\|message\|>"),
    Format(
        "Kimi K3",
        r"<\|open\|>think<\|sep\|>",
        r"<\|open\|>response<\|sep\|>",
        "<|close|>think<|sep|><|open|>response<|sep|>",
    ),
    Format("Apriel", r"\AHere are my reasoning steps:", r"\[BEGIN FINAL RESPONSE\]", "\n[BEGIN FINAL RESPONSE]\n"),
    Format("Granite 3.2", r"\AHere is my thought process:", r"\bHere is my response:"),
    Format("answers in tags", r"\A(?!)", r"<(?:response|answer|final_answer|output)>"),
)

_CLOSES = re.compile("|".join(f"(?:{form.closes})" for form in FORMATS), re.I)
_OPENS = re.compile("|".join(f"(?:{form.opens})" for form in FORMATS), re.I)
_AT_END = tuple(
    (re.compile(rf"(?:{form.opens.removeprefix(_START)})\s*\Z", re.I), form.closing) for form in FORMATS if form.closing
)
_ENDS = re.compile(
    r"<\|END_(?:RESPONSE|TEXT)\|>|\[END FINAL RESPONSE\]|</(?:response|answer|final_answer|output)>|<\|close\|>", re.I
)
_WANTS = r"(?:wants?|is asking|asks?|asked|said|says|gave|gives|provided|provides|needs?)"
_TASK = r"(?:user|sentences?|paraphras\w+|re-?writ\w+|re-?phras\w+|hard negative|contradict\w+|instructions?|prompt|original meaning)"
_ALOUD = re.compile(
    r"\s*(?:(?:okay|ok|alright|hmm+|so|well|right|first)\b[,.!]*\s+)*"
    rf"(?:the user(?:'s request| {_WANTS}\b)"
    r"|(?:(?:we|i)(?:'ll)? (?:need|have|should|must|want|are asked|am asked|will|can)?|let(?:'s| me| us)) ?(?:to )?"
    rf"(?:re-?write|re-?phrase|paraphrase|produce|generate|output|come up with|create|write|craft|change|make|think|see|analy[sz]e|break)\b"
    rf"[^.!?\n]{{0,80}}\b{_TASK}\b)",
    re.I,
)
"""How models begin to think aloud where no mark is left, in English."""


class Split(NamedTuple):
    """A completion taken apart. `open`: the reasoning never closed, so there is no answer."""

    reasoning: str
    answer: str
    open: bool


def split(text: str) -> Split:
    """The reasoning and the answer in a completion. What stands before the last closing mark is reasoning, marked or not."""
    ends = [found.end() for found in _CLOSES.finditer(text)]
    reasoning, answer = (text[: ends[-1]], text[ends[-1] :]) if ends else ("", text)
    if opened := _OPENS.search(answer):
        return Split(reasoning + answer[opened.start() :], answer[: opened.start()], True)
    ended = _ENDS.search(answer)
    return Split(reasoning, answer[: ended.start()] if ended else answer, False)


def answer_begun(text: str) -> bool:
    """Whether reasoning that the text holds has closed, so that what comes next is the answer."""
    found = split(text)
    return bool(found.reasoning) and not found.open


def thinks_aloud(text: str, anchor: str) -> bool:
    """Whether a text begins as models begin to think, and the sentence itself does not."""
    return bool(_ALOUD.match(text)) and not _ALOUD.match(anchor)


def has_mark(text: str) -> bool:
    """Whether any mark of reasoning is left in a text."""
    return bool(_OPENS.search(text) or _CLOSES.search(text) or _ENDS.search(text))


def open_mark(prompt: str) -> str:
    """The mark that a prompt ends in and that nothing closes; empty where there is none."""
    found = (pattern.search(prompt, max(0, len(prompt) - 200)) for pattern, _ in _AT_END)
    return next((match.group().strip() for match in found if match), "")


def closed(prompt: str) -> str:
    """The prompt with a thought that stands open at its end closed, so that an answer comes next."""
    for pattern, closing in _AT_END:
        if match := pattern.search(prompt, max(0, len(prompt) - 200)):
            return prompt.rstrip() + closing.replace("{tag}", match.groupdict().get("tag") or "")
    return prompt
