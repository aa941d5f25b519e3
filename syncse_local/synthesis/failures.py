"""What can be wrong with an answer: one small detector for each failure. Knows text, no prompts beyond their words.

The word lists are English; other languages pass the refusal and abbreviation tests unseen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from syncse_local.records import Message
from syncse_local.text.clean import squash, words

_ASK = (
    r"(?:request|assist|help (?:you )?with (?:that|this)|provide|generate|rewrite|paraphrase|sentences?|comply|fulfil+"
    r"|context|instructions?|content|prompt|contradict|rephrase)"
)
_REFUSAL = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bi(?:'m| am) (?:just )?an? (?:ai|(?:large )?language model)\b"
    r"|\bi (?:can(?:no|')t|can not|won't|will not|could not|couldn't) (?:\w+ ){0,2}?"
    r"(?:fulfil+|comply|assist with|generate|rewrite|paraphrase|rephrase"
    r"|create (?:a|an|any|such) \w* ?(?:sentence|content))\b"
    r"|\bi(?:'m| am) (?:not able|unable) to (?:fulfil+|comply|assist|generate|provide|rewrite|paraphrase|help with)\b"
    r"|^(?:please|could you|can you) (?:please )?(?:provide|give|share)\b.{0,40}\b(?:sentence|context|text)"
    r"|^(?:the|this) (?:given |provided |original )?sentence (?:is|was|does|has|cannot|can't|appears|seems)\b"
    r".{0,60}\b(?:incomplete|unclear|inappropriate|offensive|not (?:clear|a|possible|provide)|already|provided)"
    r"|^(?:it is|it's) not (?:possible|appropriate) to (?:\w+ ){0,2}?(?:generate|provide|rewrite|paraphrase|contradict)"
    r"|\b(?:violates?|against) (?:(?:my|our) (?:content |usage |safety )?|the (?:content |usage |safety ))"
    r"(?:guidelines|polic)",
    re.I,
)
_SORRY = re.compile(
    r"^(?:but |unfortunately,? )?(?:(?:i'm|i am|we are) (?:very |so )?sorry|sorry|i apologi[sz]e|apologies)\b.{0,80}"
    r"\b(?:can't|cannot|can not|unable|not able|won't|will not|don't|do not|no|need|not possible|not appropriate"
    r"|could you|please)\b"
    rf".{{0,120}}\b{_ASK}\b",
    re.I,
)
_UNFIT = re.compile(
    rf"^i (?:can(?:no|')t|need more|don't (?:have|understand)|do not (?:have|understand))\b.{{0,80}}\b{_ASK}\b", re.I
)

_BREAK = re.compile(
    r"(?<![.!?])(?:([.!?]+)|\u2026)[)\]\u2019]?\s+(?=[\"'\u201c\u2018(\[]?[A-Z0-9\u00c0-\u00de\u0391-\u03a9\u0410-\u042f])"
)
_WIDE_BREAK = re.compile(r"[\u3002\uff01\uff1f\u0964](?=\s*[^\s\u300d\u300f\u201d\u2019\u3002\uff01\uff1f)\uff09])")
_ABBREVIATION = re.compile(
    r"mrs?|ms|dr|prof|st|[sj]r|vs|etc|inc|ltd|corp|co|col|sgt|capt|lt|rev|hon|gov|sen|rep|mt|ave|blvd|rd|dept|est|approx"
    r"|jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec|tue|thu|fri|al|cf|eg|ie|bros|messrs|mme|eds|pp|ph"
)
_NUMBERED = frozenset(("no", "nos", "vol", "fig", "art", "op", "mar"))  # abbreviations only before a number
_RUN = re.compile(r"([^\d\s_\-=*])\1{9}")
_PERIOD = re.compile(r"(\S.{1,11}?)\1{4}")
_LAST_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|\.(?=\w))*$")
LOOKED_AT = 4000  # characters; anything longer fails as too long
GRAM = 6  # words in a row that two independent sentences hardly ever share


def is_refusal(text: str, anchor: str) -> bool:
    """Whether the model declined or asked back, and the sentence itself does not say the like."""
    return _declines(text) and not _declines(anchor)


def _declines(text: str) -> bool:
    text = text[:400].replace("\u2019", "'")
    return any(pattern.search(text) for pattern in (_REFUSAL, _SORRY, _UNFIT))


def is_copy(text: str, anchor: str) -> bool:
    """Whether nothing but case, punctuation or spacing differs."""
    key = squash(text)
    return key == squash(anchor) if key else text == anchor


def is_loop(text: str, anchor: str) -> bool:
    """Whether the text repeats itself: a word 5 times in a row, two 4 times, up to eight 3 times, or characters."""
    return _repeats(text) and not _repeats(anchor)


def _repeats(text: str) -> bool:
    text = text[:LOOKED_AT]
    tokens = words(text)
    repeated = len(tokens) - len(set(tokens))
    for size in range(1, 9) if repeated >= 4 else ():  # the least that any of the loops leaves over
        needed = size * ({1: 5, 2: 4}.get(size, 3) - 1)
        run = 0
        for first, second in zip(tokens, tokens[size:], strict=False):
            run = run + 1 if first == second else 0
            if run >= needed:
                return True
    if _RUN.search(text):
        return True
    found = _PERIOD.search(text)
    return bool(found and any(char.isalpha() for char in found.group(1)))


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph; abbreviations and initials do not end one."""
    places = [match.end() for match in _WIDE_BREAK.finditer(text)]
    places += [match.end() for match in _BREAK.finditer(text) if not _abbreviated(text, match)]
    bounds = [0, *sorted(places), len(text)]
    return [text[a:b].strip() for a, b in pairwise(bounds)]


def sentences_in(text: str) -> int:
    """How many sentences the text has, at least 1."""
    return len(split_sentences(text[:LOOKED_AT]))


def _abbreviated(text: str, stop: re.Match[str]) -> bool:
    if stop.group(1) != ".":
        return False
    word = _LAST_WORD.search(text[max(0, stop.start() - 20) : stop.start()])
    name = word.group(0).lower() if word else ""
    if name in _NUMBERED:
        return text[stop.end() : stop.end() + 1].isdigit()
    return bool(_ABBREVIATION.fullmatch(name)) or "." in name or (len(name) == 1 and name != "i")


@dataclass(frozen=True, slots=True)
class Prints:
    """What a leaked prompt would show: the instructions' words and the exemplars' squashed text."""

    openings: tuple[tuple[str, ...], ...]
    grams: frozenset[tuple[str, ...]]
    exact: frozenset[str]
    long: tuple[str, ...]


@lru_cache(maxsize=2048)
def prints_of(prefix: tuple[Message, ...]) -> Prints:
    """Prints of a context's messages: system messages are instructions, the others exemplars, line by line."""
    instructions = [words(m.content) for m in prefix if m.role == "system"]
    lines = {squash(line) for m in prefix if m.role != "system" for line in m.content.splitlines()} - {""}
    return Prints(
        tuple(tuple(w) for w in instructions if len(w) > 1),
        frozenset(gram for w in instructions for gram in _grams(w)),
        frozenset(lines),
        tuple(sorted(line for line in lines if len(line) >= 20)),
    )


def _grams(tokens: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(tokens[i : i + GRAM]) for i in range(len(tokens) - GRAM + 1)}


def is_leak(text: str, anchor: str, prefix: tuple[Message, ...]) -> bool:
    """Whether the text has six words in a row of the instruction, begins with it, or holds an exemplar's text."""
    prints = prints_of(prefix)
    tokens, own = words(text), words(anchor)
    for opening in prints.openings:
        if tuple(tokens[: len(opening)]) == opening and tuple(own[: len(opening)]) != opening:
            return True
    if (_grams(tokens) & prints.grams) - _grams(own):
        return True
    key, anchor_key = squash(text), squash(anchor)
    if key in prints.exact and key != anchor_key:
        return True
    return any(line in key and line not in anchor_key for line in prints.long)
