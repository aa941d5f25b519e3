"""Labels shortened where they are alike, never where they differ. Knows text and widths in characters; knows no widget."""

import re
from collections.abc import Callable, Sequence
from itertools import takewhile

WORD = re.compile(r"[^\s/+:,_-]+|.", re.DOTALL)
"""What labels share is counted in whole words, so that no half of a name is taken for a name."""
GAP = "…"


def distinct(labels: Sequence[str], width: int) -> list[str]:
    """Each label in at most `width` characters. Labels that differ still differ, as long as their numbers fit.

    What all of them share at their beginnings and ends gives way first, to an ellipsis; where that is not enough each
    loses its middle, and where that makes two the same they carry their number.
    """
    if all(len(label) <= width for label in labels):
        return list(labels)
    different = list(dict.fromkeys(labels))
    shown = dict(zip(different, _fitted(different, width), strict=True))
    return [shown[label] for label in labels]


def _fitted(labels: Sequence[str], width: int) -> list[str]:
    start, end = _shared(labels) if len(labels) > 1 else (0, 0)
    ways: tuple[Callable[[str], str], ...] = (
        lambda label: _around(label, start, end, width),
        lambda label: _middle(label, width),
        lambda label: _middle(label[start : len(label) - end], width),
    )
    for way in ways:
        cut = [label if len(label) <= width else way(label) for label in labels]
        if len(set(cut)) == len(cut) and all(0 < len(label) <= width for label in cut):
            return cut
    return [f"{_middle(label, max(1, width - len(str(at)) - 1))}~{at}" for at, label in enumerate(labels, 1)]


def _shared(labels: Sequence[str]) -> tuple[int, int]:
    """How many characters all of them share at the beginning and at the end, whole words of each."""
    words = [WORD.findall(label) for label in labels]
    head = _alike(words)
    tails = [given[head:][::-1] for given in words]
    tail = tails[0][: _alike(tails)]
    return len("".join(words[0][:head])), len("".join(tail))


def _alike(lists: Sequence[Sequence[str]]) -> int:
    """How many first elements are the same in all of them."""
    return sum(1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*lists, strict=False)))


def _around(label: str, start: int, end: int, width: int) -> str:
    """What only this label has, with as much of what is shared beside it as there is room for; empty where it does not fit."""
    core = label[start : len(label) - end]
    room = width - len(core)
    if not (start or end) or room < bool(start) + bool(end):
        return ""
    before = start if start <= room - bool(end) else max(0, room - bool(end) - 1)
    head = label[:start] if before == start else GAP + label[start - before : start]
    left = width - len(head) - len(core)
    after = end if end <= left else max(0, left - 1)
    tail = label[len(label) - end :]
    return head + core + (tail if after == end else tail[:after] + GAP)


def _middle(text: str, width: int) -> str:
    """The text without its middle: names often differ at their ends."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}{GAP}{text[len(text) - end :]}"
