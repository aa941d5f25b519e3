"""Labels shortened where they are alike, never where they differ. Knows text and widths in characters; knows no widget."""

import os
import re
from collections.abc import Sequence

WORD = re.compile(r"[^\s/+:,_-]+|.", re.DOTALL)
"""A label is cut between words, so that no half of a name is taken for a name."""
GAP = "…"


def distinct(labels: Sequence[str], width: int) -> list[str]:
    """Each label in at most `width` characters. Labels that differ still differ, as long as their numbers fit.

    What all of them share at their beginnings and ends gives way first, to an ellipsis; then each loses its middle, and
    where that makes two the same they carry their number.
    """
    if all(len(label) <= width for label in labels):
        return list(labels)
    different = list(dict.fromkeys(labels))
    shown = dict(zip(different, _fitted(different, width), strict=True))
    return [shown[label] for label in labels]


def _fitted(labels: Sequence[str], width: int) -> list[str]:
    start, end = _shared(labels) if len(labels) > 1 else (0, 0)
    cut = [_without(label, start, end, width) for label in labels]
    if len(set(cut)) == len(cut):
        return cut
    return [f"{_middle(label, max(1, width - len(str(at)) - 1))}~{at}" for at, label in enumerate(labels, 1)]


def _shared(labels: Sequence[str]) -> tuple[int, int]:
    """How many characters all of them share at the beginning and at the end, whole words of each."""
    words = [WORD.findall(label) for label in labels]
    head = len(os.path.commonprefix(words))
    tails = [list(reversed(given[head:])) for given in words]
    tail = len(os.path.commonprefix(tails))
    return len("".join(words[0][:head])), len("".join(words[0][len(words[0]) - tail :])) if tail else 0


def _without(label: str, start: int, end: int, width: int) -> str:
    """The label with as much of the shared beginning and end as there is room for, the beginning's end first."""
    if len(label) <= width:
        return label
    core = label[start : len(label) - end]
    room = width - len(core)
    if room < bool(start) + bool(end):
        return _middle(core or label, width)
    before = min(start, max(0, room - bool(end) - bool(start)))
    after = min(end, max(0, room - before - (before < start) - 1))
    head = label[:start] if before >= start else GAP + label[start - before : start]
    tail = label[len(label) - end :] if after >= end else label[len(label) - end :][:after] + GAP
    return f"{head}{core}{tail}" if end or start else _middle(label, width)


def _middle(text: str, width: int) -> str:
    """The text without its middle: names often differ at their ends."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}{GAP}{text[len(text) - end :]}"
