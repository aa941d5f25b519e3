"""From raw completions to sentences or typed failures. Never raises, whatever the text; the raw text stays elsewhere.

Bump PARSER_VERSION with every change of outcome, so that stored responses can be parsed anew.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from syncse_local.records import Message
from syncse_local.synthesis import failures
from syncse_local.synthesis.recipe import Limits
from syncse_local.synthesis.strip import answer_lines, is_new_line, list_lines, strip_reply, undress
from syncse_local.text.clean import squash
from syncse_local.text.reasoning import thinks_aloud

PARSER_VERSION = 2
"""Stands beside every parse."""


class Failure(StrEnum):
    """Why a completion gives no text. REFUSED and ERROR are the engine's, the others the model's."""

    REFUSAL = "refusal"
    REASONING = "reasoning"
    COPY = "copy"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    LOOP = "loop"
    TWO_SENTENCES = "two_sentences"
    LEAKED_PROMPT = "leaked_prompt"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    ERROR = "error"


class Parsed(NamedTuple):
    """The cleaned text, kept also where it failed, for people to look at; and the failure, if any."""

    text: str
    failure: Failure | None = None


_ENGINE = {"refused": Failure.REFUSED, "error": Failure.ERROR, "cancelled": Failure.ERROR}


def parse_pair(
    raw: str, finish: str, anchor: str, prefix: Sequence[Message] = (), limits: Limits | None = None
) -> Parsed:
    """One positive or hard negative from a completion.

    `finish` is the completion's; `anchor` the sentence asked about; `prefix` the context's messages, to see leaks.
    """
    limits = limits or Limits()
    if finish in _ENGINE:
        return Parsed("", _ENGINE[finish])
    reply = strip_reply(raw)
    whole = " ".join(reply.lines)
    lines, cut = answer_lines(reply.lines, anchor)
    text = undress(" ".join(lines), anchor)
    cut = cut or reply.cut
    if reply.reasoning or thinks_aloud(text, anchor):
        return Parsed(text, Failure.REASONING)
    if not any(char.isalnum() for char in text):
        return Parsed(text, Failure.TRUNCATED if finish == "length" and not cut else Failure.EMPTY)
    if failures.is_refusal(text, anchor) or failures.is_refusal(whole, anchor):
        return Parsed(text, Failure.REFUSAL)
    several = any(is_new_line(line) for line in lines[1:])
    return Parsed(text, _wrong(text, several, anchor, tuple(prefix), finish == "length" and not cut, limits))


def _wrong(
    text: str, several: bool, anchor: str, prefix: tuple[Message, ...], stopped: bool, limits: Limits
) -> Failure | None:
    """The first failure of a non-empty answer; the more telling ones are looked for first."""
    if failures.is_loop(text, anchor):
        return Failure.LOOP
    if failures.is_leak(text, anchor, prefix):
        return Failure.LEAKED_PROMPT
    if stopped:
        return Failure.TRUNCATED
    if failures.is_copy(text, anchor):
        return Failure.COPY
    if _too_long(text, limits.max_words, limits.max_chars):
        return Failure.TOO_LONG
    if len(text.split()) < limits.min_words:
        return Failure.TOO_SHORT
    if several or failures.sentences_in(text) > failures.sentences_in(anchor):
        return Failure.TWO_SENTENCES
    return None


def _too_long(text: str, max_words: int, max_chars: int) -> bool:
    return len(text) > max_chars or len(text.split()) > max_words


def parse_sentences(
    raw: str,
    finish: str,
    prefix: Sequence[Message] = (),
    limits: Limits | None = None,
    topics: Iterable[str] = (),
    count: int = 20,
) -> list[Parsed]:
    """The sentences of a scratch completion, one for each line, list item, or sentence of a single paragraph.

    `topics` are the call's, to strip "Pets: ..." labels; `count` is how many were asked for: with 1, all lines are one.
    Sentences outside of the limits and repeated ones are returned with their failure.
    """
    limits = limits or Limits()
    if finish in _ENGINE:
        return [Parsed("", _ENGINE[finish])]
    reply = strip_reply(raw)
    lines, cut = list_lines(reply.lines)
    if reply.reasoning or (lines and thinks_aloud(lines[0], "")):
        return [Parsed(undress(" ".join(lines), ""), Failure.REASONING)]
    if not lines:
        return [Parsed("", Failure.TRUNCATED if finish == "length" and not reply.cut else Failure.EMPTY)]
    if failures.is_refusal(" ".join(lines), ""):
        return [Parsed(undress(" ".join(lines), ""), Failure.REFUSAL)]
    items = [" ".join(lines)] if count == 1 else lines if len(lines) > 1 else failures.split_sentences(lines[0])
    labels = {squash(topic) for topic in topics}
    stopped = finish == "length" and not (cut or reply.cut)
    seen: set[str] = set()
    found = []
    several = count == 1 and any(is_new_line(line) for line in lines[1:])
    for i, item in enumerate(items):
        text = _unlabelled(undress(item, ""), labels)
        last = stopped and i == len(items) - 1
        found.append(Parsed(text, _wrong_sentence(text, several, seen, tuple(prefix), last, limits)))
        seen.add(squash(text))
    return found


def _unlabelled(text: str, labels: set[str]) -> str:
    head, colon, rest = text.partition(":")
    bold = "*_" if head[:1] in ("*", "_") else ""
    return undress(rest.lstrip(bold + " "), "") if colon and squash(head) in labels else text


def _wrong_sentence(
    text: str, several: bool, seen: set[str], prefix: tuple[Message, ...], stopped: bool, limits: Limits
) -> Failure | None:
    key = squash(text)
    if not key:
        return Failure.TRUNCATED if stopped else Failure.EMPTY
    if failures.is_loop(text, ""):
        return Failure.LOOP
    if failures.is_leak(text, "", prefix):
        return Failure.LEAKED_PROMPT
    if stopped:
        return Failure.TRUNCATED
    if key in seen:
        return Failure.DUPLICATE
    if _too_long(text, limits.sentence_max_words, limits.max_chars):
        return Failure.TOO_LONG
    if len(text.split()) < limits.sentence_min_words:
        return Failure.TOO_SHORT
    return Failure.TWO_SENTENCES if several or failures.sentences_in(text) > 1 else None
