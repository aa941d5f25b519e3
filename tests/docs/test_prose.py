"""Pages are easy to read: lines of at most 120 characters, sentences of at most 40 words."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, REPO

LINE = 120
"""Characters of a line: as in the code, so that a page and a diff fit beside each other."""
WORDS = 40
"""Words of a sentence: whoever reads in a second language loses the beginning of a longer one."""

MARK = r"\s*([-*#>]+|\d\d?\.)\s+"
"""What begins a list item, a heading or a quotation."""

EXEMPT = {
    "a row of a table": "Markdown has no way to break one",
    "a link": "an address cannot be broken",
}
"""What may be longer than a line, and why. Code is not exempt: a shell and Python both can go on in the next line."""


def long_lines(text: str) -> list[str]:
    """The lines over the limit that have no reason to be."""
    return [line for line in text.splitlines() if len(line) > LINE and not _reason(line)]


def long_sentences(text: str) -> list[str]:
    """The sentences over the limit, in paragraphs, list items and cells of tables. Code has none."""
    return [found for block in blocks(text) for found in sentences(block) if len(found.split()) > WORDS]


def sentences(block: str) -> list[str]:
    """A block's sentences. A full stop within a word, a number, a path or code ends none; neither does `e.g.`."""
    plain = re.sub(r"`[^`]*`", lambda code: re.sub(r"[.!?\s]", "_", code[0]), block)
    return re.split(r"(?<=[.!?])[)\"*_]*\s+(?=[^a-z\s])", plain)


def blocks(text: str) -> Iterator[str]:
    """A page's paragraphs, list items, headings and cells, each on one line. Code and a card's front matter are left out."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    held = list[str]()
    code = False
    for line in [*text.splitlines(), ""]:
        row, fence = line.lstrip().startswith("|"), line.lstrip().startswith("```")
        if held and (code or fence or row or not line.strip() or re.match(MARK, line)):
            yield " ".join(held)
            held = []
        if fence:
            code = not code
        elif row and not code:
            yield from line.strip().strip("|").split("|")
        elif line.strip() and not code:
            held.append(line.strip() if held else re.sub(rf"^{MARK}", "", line))


def _reason(line: str) -> str:
    if line.lstrip().startswith("|"):
        return EXEMPT["a row of a table"]
    words = line.split()
    return EXEMPT["a link"] if len(words) <= 2 and any("://" in word or "](" in word for word in words) else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_a_page_is_easy_to_read(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert long_lines(text) == []
    assert long_sentences(text) == []


def test_what_is_too_long_is_found() -> None:
    words = " ".join(["Word"] * WORDS)
    assert long_lines("a" * LINE) == []
    assert long_lines("a" * LINE + "b") != []
    assert long_lines("| cell " * 30 + "|") == []
    assert long_lines("```\n" + "x " * LINE + "\n```") != []
    assert long_sentences(f"{words}. {words}.\n\n- {words}\n- {words}") == []
    assert long_sentences(f"{words} more.") != []
    assert long_sentences(f"A list:\n\n- {words}\n  more.") != []
    assert long_sentences(f"| cell | {words} more |") != []
    assert long_sentences(f"```\n{words} more\n```") == []
