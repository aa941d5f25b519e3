"""Small words and numbers for the screens, and `safe`, through which all text from the store goes. Knows no widget."""

import math
import re
import shlex
import unicodedata
from collections.abc import Sequence
from pathlib import Path

CONTROLS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
MARKS = ("Mn", "Me")
MOST_MARKS = 3
PLAIN_WORD = re.compile(r"[A-Za-z0-9._/-][A-Za-z0-9._/=:,-]*")


def safe(text: object, limit: int = 300) -> str:
    """Text from models, files and the store for a cell or a line, cut to `limit` characters with an ellipsis.

    Controls, escapes, bidi and zero-width marks become visible escapes; line breaks become one glyph. Variation
    selectors are dropped and piled-up combining marks are shown escaped: terminals disagree about their width.
    """
    given = str(text)
    shown: list[str] = []
    marks = 0
    for char in given[:limit]:
        marks = marks + 1 if unicodedata.category(char) in MARKS else 0
        shown.append(_escape(char) if marks > MOST_MARKS else _visible(char))
    whole = "".join(shown)
    cut = len(given) > limit or len(whole) > limit
    return whole[: limit - 1] + "…" if cut else whole


def _visible(char: str) -> str:
    if char == "\n":
        return "␤"
    if "\ufe00" <= char <= "\ufe0f":
        return ""
    return _escape(char) if unicodedata.category(char) in CONTROLS else char


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shortened(text: str, width: int) -> str:
    """The text in at most so many characters; a long one loses its middle, for names often differ at their ends."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def number(value: object) -> float | None:
    """A finite number, or None for anything else a JSON column may hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def figure(value: object) -> str:
    """A number at a length to read at a glance: `1,600`, `51.2`, `0.8712`; empty for what is none."""
    found = number(value)
    if found is None:
        return ""
    if found == int(found) or abs(found) >= 1000:
        return f"{found:,.0f}" if abs(found) < 1e12 else f"{found:.3g}"
    return f"{found:.1f}" if abs(found) >= 10 else f"{found:.4g}"


def size(value: object) -> str:
    """Bytes as `1.25 GiB` or `7.2 MiB`; empty for what is no number or none."""
    found = number(value)
    if not found or found < 0:
        return ""
    return f"{found / 2**30:.2f} GiB" if found >= 2**30 / 10 else f"{found / 2**20:.1f} MiB"


def clock(seconds: float) -> str:
    """`h:mm:ss`, or `m:ss` under an hour."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def age(then: float | None, now: float) -> str:
    """How long ago in one unit: `now`, `12s`, `5m`, `3h`, `12d`; a time yet to come is `now`."""
    if then is None:
        return ""
    seconds = int(now - then)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s" if seconds > 0 else "now"


def place(directory: Path) -> str:
    """A directory as short as it can be said from here."""
    here = Path.cwd()
    return safe(directory.relative_to(here) if directory.is_relative_to(here) else directory, 4096)


def line(words: Sequence[str], directory: Path) -> str:
    """The command line of these words; it names the workspace unless that is the default one from here."""
    shown = ["syncse", *(word if PLAIN_WORD.fullmatch(word) else shlex.quote(safe(word, 4096)) for word in words)]
    if directory != (Path.cwd() / "workspace").resolve():
        shown += ["-w", shlex.quote(safe(directory, 4096))]
    return " ".join(shown)
