"""Strangers' text made safe to show: what a screen would obey or hide becomes visible. Knows no screen and no markup.

Text from models, files and the store goes through `safe` (a line, a cell) or `safe_text` (several lines) before it
reaches a terminal, a table, a chart or a card. Markdown, LaTeX, CSV and SVG escape what comes out of here.
"""

import re
import unicodedata

LINE = 4096
"""The longest path that Linux takes: a name of a file or of a model is never cut."""
TEXT = 2**24
"""Characters of a text of several lines: as many as the longest recipe that is read."""
MOST_MARKS = 3
"""Combining marks on one letter. Vietnamese takes two and polytonic Greek three; a pile of them covers other lines."""
HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Controls, marks of direction and of no width, lone surrogates, private use, no character at all, line separators."""
_MARKS = ("Mn", "Me")
_JAMO = re.compile("[\u1161-\u11ff\ud7b0-\ud7ff]")
"""Vowels and finals of Hangul, drawn into the letter before them like marks."""
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0]")
"""Letters and marks that show nothing: the rest of Unicode's Default_Ignorable_Code_Point."""
_SELECTOR = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""They choose between two pictures of the sign before them, and terminals disagree about its width then."""


def safe(text: object, limit: int = LINE) -> str:
    """One line of at most `limit` characters (1 or more), with an ellipsis where it was cut.

    Characters of the categories in `HIDDEN`, blank ones, and combining marks beyond `MOST_MARKS` in a row are shown as
    `\\u202e` or `\\U000e0041`; a line break is shown as one glyph; variation selectors are left out. What is safe
    already comes back as it is.
    """
    given = str(text)
    shown = _visible(given[: limit + 1].replace("\n", "␤"))
    return _cut(shown, limit, len(given) > limit)


def safe_text(text: object, limit: int = TEXT) -> str:
    """The same for several lines: line breaks stay, and `limit` is for all of them together."""
    given = str(text).replace("\r\n", "\n")
    shown = "\n".join(map(_visible, given[: limit + 1].split("\n")))
    return _cut(shown, limit, len(given) > limit)


def hidden(char: str) -> bool:
    """Whether a screen would obey or hide this character instead of showing it."""
    return unicodedata.category(char) in HIDDEN or _BLANK.match(char) is not None


def is_mark(char: str) -> bool:
    """Whether the character is drawn over the one before it, in no column of its own."""
    return unicodedata.category(char) in _MARKS or _JAMO.match(char) is not None


def _cut(shown: str, limit: int, longer: bool) -> str:
    return shown[: limit - 1] + "…" if longer or len(shown) > limit else shown


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for char in _SELECTOR.sub("", text):
        marks = marks + 1 if is_mark(char) else 0
        shown.append(_escape(char) if marks > MOST_MARKS or hidden(char) else char)
    return "".join(shown)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
