"""From a raw completion to the answer in it: reasoning, chat tokens, labels, lists and quotes taken away.

Knows the anchor, so as not to strip what the sentence itself has; does not judge the answer (see `detect`).
"""

import re
from typing import NamedTuple

from syncse_local.text.clean import clean, normalise, squash
from syncse_local.text.reasoning import has_mark, split

CAP = 20_000  # characters looked at; anything longer is far over every limit

_TOKEN = (
    r"(?:<[|\uff5c][^|\uff5c<>\n]{1,40}[|\uff5c]>|</?s>|<(?:start|end)_of_turn>|\[/?INST\]|<(?:eos|bos|pad|unk)>"
    r"|<(?:turn\||\|turn)>)"
)
_HEAD = re.compile(rf"\s*(?:{_TOKEN}\s*(?:(?:assistant|model)\b\s*(?={_TOKEN}|\n))?)+", re.I)
_ANY_TOKEN = re.compile(_TOKEN)

_ANSWER = (
    r"(?:final\s+)?(?:answer|output|response|result|reply|assistant|model|positive|(?:hard\s+)?negative|paraphrase|entailment"
    r"|contradiction|(?:new|changed|rewritten|paraphrased|modified|revised|concise|contrasting|opposite|transformed)"
    r"(?:\s+(?:sentence|statement|version|paraphrase))?|rewrite|rewording|sentence\s*2)"
)
_LABEL = re.compile(
    rf"[*_#\s]{{0,6}}(?:{_ANSWER}|sentence|statement)\s*\d{{0,2}}\s*[*_]{{0,3}}\s*[:\uff1a][*_]{{0,3}}\s*", re.I
)
_ANSWER_LINE = re.compile(rf"[*_#\s]{{0,6}}{_ANSWER}\s*[*_]{{0,3}}\s*[:\uff1a]", re.I)
_ECHO_LINE = re.compile(
    r"[*_#\s]{0,6}(?:user|human|input|original|sentence|anchor)(?:\s+sentence)?\s*[*_]{0,3}\s*[:\uff1a]", re.I
)
_TURN_LINE = re.compile(
    r"[*_#\s]{0,6}(?:user|human|assistant|system|input|original(?:\s+sentence)?|question|instructions?|sentence)"
    r"\s*\d{0,2}\s*[*_]{0,3}\s*[:\uff1a]",
    re.I,
)
_NOTE_LINE = re.compile(
    r"[*_#\s(\[]{0,6}(?:note|explanation|reasoning|reason|rationale|justification|changes?(?:\s+made)?|let me know"
    r"|this (?:sentence|version|paraphrase|rewrite|revision|maintains|keeps|changes|conveys)"
    r"|i (?:have )?(?:changed|kept|replaced|rewrote)"
    r"|in this (?:sentence|version|paraphrase))\b",
    re.I,
)
_INLINE_NOTE = re.compile(r"\s*[(\[](?:note|explanation)\b[^()\[\]]{0,400}[)\]]?\s*$", re.I)
_NOUN = (
    r"(?:sentence|paraphrase|version|rewrite|rewording|statement|hard negative|alternative|answer|response|example"
    r"|entailment|contradiction|list)"
)
_PREAMBLE = re.compile(
    rf"(?:(?:sure|certainly|of course|okay|ok|absolutely|yes|great)\b[,!.\s]*)?"
    rf"(?:here(?:'s|\u2019s| is| are| you go)\b[^:\n]{{0,100}}?\b{_NOUN}s?\b[^:\n]{{0,80}}"
    rf"|(?:the|a|one|my|possible)\s+(?:possible\s+)?"
    rf"(?:new|changed|rewritten|paraphrased?|modified|revised|concise|contrasting|opposite|positive|negative)\s+{_NOUN}s?\b"
    rf"[^:\n]{{0,60}}):(?:[*_\s]|$)",
    re.I,
)
_ASSENT = re.compile(r"(?:sure|certainly|of course|okay|ok|absolutely)(?:\s+thing)?[!.,:]*$", re.I)
_LIST_TURN = re.compile(r"[*_#\s]{0,6}(?:user|human|system|assistant)\s*[*_]{0,3}\s*[:\uff1a]", re.I)
_CLOSING = re.compile(
    r"[*_(\[]{0,3}(?:note|explanation)s?\s*[*_]{0,3}:|(?:let me know if|i hope (?:this|these)|feel free to ask)\b", re.I
)
_BULLET = re.compile(r"(?:[-*+\u2022\u00b7\u2013\u2014>]\s+|#{1,6}\s+|\(?\d{1,3}[.)]\s+|\(?[a-eA-E]\)\s+)")
_FENCE = re.compile(r"\s*(?:```|~~~)\w*\s*$")
_EMPHASIS = re.compile(r"(\*\*\*|\*\*|\*|___|__|_|`)(?=\S)(.+?)(?<=\S)\1([.!?]?)$", re.S)
_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "\u201e": "\u201c",
    "\u300c": "\u300d",
}
_APOSTROPHES = ("'", "\u2019")


class Stripped(NamedTuple):
    """The answer's lines. `cut`: the model went on past the answer. `reasoning`: it never closed, or marks of it are left."""

    lines: list[str]
    cut: bool
    reasoning: bool


def strip_reply(raw: str) -> Stripped:
    """The non-empty lines of what the model answered, without reasoning, chat tokens, code fences."""
    _, text, left = split(clean(raw))
    head = _HEAD.match(text)
    text = text[head.end() if head else 0 :][:CAP]
    token = _ANY_TOKEN.search(text)
    if token:
        text = text[: token.start()]
    lines = [line.strip() for line in text.splitlines() if not _FENCE.match(line)]
    return Stripped([line for line in lines if line], token is not None, left or has_mark(text))


def answer_lines(lines: list[str], anchor: str) -> tuple[list[str], bool]:
    """Lines of the one sentence asked for, and whether something after them was cut away."""
    lines = _after_echo(lines, anchor)
    for i, line in enumerate(lines):
        if i and (_TURN_LINE.match(line) or _NOTE_LINE.match(line) or _ANSWER_LINE.match(line)):
            return lines[:i], True
    return lines, False


def list_lines(lines: list[str]) -> tuple[list[str], bool]:
    """Lines of a list of sentences, without its introduction; and whether something after them was cut away."""
    if (
        len(lines) > 1
        and not _BULLET.match(lines[0])
        and (_PREAMBLE.match(lines[0]) or lines[0].endswith((":", ":**")))
    ):
        lines = lines[1:]
    for i, line in enumerate(lines):
        if i and (_LIST_TURN.match(line) or _CLOSING.match(line)):
            return lines[:i], True
    return lines, False


def is_new_line(line: str) -> bool:
    """Whether a line begins something of its own, rather than carrying on a wrapped sentence."""
    return bool(_BULLET.match(line)) or not line[:1].islower()


def _after_echo(lines: list[str], anchor: str) -> list[str]:
    """Drop "Here is ...:" lines, and the sentence given back before a labelled answer."""
    while len(lines) > 1 and (_introduces(lines[0]) or _echoes(lines, anchor)):
        lines = lines[1:]
    return lines


def _introduces(line: str) -> bool:
    """Whether the line is nothing but a preamble, a label or a "Sure!"."""
    found = [pattern.match(line) for pattern in (_PREAMBLE, _LABEL, _ASSENT)]
    return any(match.end() == len(line) for match in found if match)


def _echoes(lines: list[str], anchor: str) -> bool:
    """Whether the first line repeats the sentence and the second is labelled as the answer."""
    repeated = _ECHO_LINE.match(lines[0]) or squash(lines[0]) == squash(anchor)
    return bool(repeated and _ANSWER_LINE.match(lines[1]))


def undress(text: str, anchor: str) -> str:
    """One line without label, bullet, emphasis and wrapping quotes, unless the anchor has the same."""
    anchor = normalise(anchor)
    text = normalise(text)
    for _ in range(6):
        before = text
        for pattern in (_PREAMBLE, _LABEL, _BULLET):
            found = pattern.match(text)
            if found and not pattern.match(anchor):
                text = text[found.end() :].strip()
        text = _INLINE_NOTE.sub("", text)
        text = _unemphasised(text, anchor)
        text = text if _wrapped(anchor) else unquote(text)
        if text == before:
            break
    return text


def _unemphasised(text: str, anchor: str) -> str:
    found = _EMPHASIS.match(text) if text[:1] in "*_`" and anchor[:1] not in "*_`" else None
    return found.group(2) + found.group(3) if found and found.group(1) not in found.group(2) else text


def _wrapped(text: str) -> bool:
    return bool(text) and unquote(text) != text


def unquote(text: str) -> str:
    """Without quotes that wrap the whole; quotes inside stay (`"A" and "B"` is not wrapped)."""
    if len(text) < 2 or text[0] not in _QUOTES:
        return text
    close, end = _QUOTES[text[0]], len(text)
    after = text[-1] if text[-1] in ".!?," and text[-2] == close else ""
    end -= len(after) + 1
    if end < 1 or text[end] != close:
        return text
    inner = text[1:end]
    if _closes_early(inner, text[0], close):
        return text
    ended = inner.rstrip()[-1:] in (".", "!", "?", "\u3002")
    return (inner if ended else inner + after.replace(",", "")).strip()


def _closes_early(inner: str, opening: str, close: str) -> bool:
    """Whether the first quote ends inside, so that it does not wrap the whole."""
    depth = 1
    for i, char in enumerate(inner):
        before, after = inner[i - 1 : i], inner[i + 1 : i + 2]
        if close in _APOSTROPHES and before.isalnum() and after.isalnum():
            continue
        if opening != close:
            depth += (char == opening) - (char == close)
            if depth == 0:
                return True
        elif char == close:
            return bool(before) and not before.isspace()
    return False
