"""What the screen of triplets asks of the store; every function runs on another thread. Knows the API; knows no widget."""

from dataclasses import dataclass
from typing import Any

from syncse_local.api import BY_PERSONS, Outline, TripletQuery, Workspace
from tui.page_cache import PAGE, Row
from tui.word_diff import Difference, compare

CUT = 400
"""Characters of a text that a row keeps: no terminal shows more of it in one line."""
COMPARED = 2_000
"""Characters of a text that are compared word by word: comparing takes the square of it."""
BACKLOG = 2_000
"""More decisions than this are taken up by a process of their own: on a thread here they would hold up the keys."""
STRIDE = 500
"""Triplets looked through at a time for the next one that nobody has decided on."""
TEXTS = ("sentence", "positive", "negative")


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """Where the cursor stands: the triplet there (None where it is not known yet), its place, its line on the screen."""

    ordinal: int | None
    place: int
    line: int
    height: int


@dataclass(frozen=True, slots=True)
class ResultUpdate:
    """A result as of `mark`: its outline, where the cursor's triplet stands now, and the pages around it.

    `backlog` decisions are not looked at yet; 0 where they are few.
    """

    mark: tuple[int, ...]
    outline: Outline
    place: int
    backlog: int
    pages: dict[int, list[Row]]


@dataclass(frozen=True, slots=True)
class TripletDetail:
    """All about one triplet, and how its two texts differ from the sentence."""

    data: dict[str, Any]
    differences: dict[str, Difference]


def page(
    workspace: Workspace, query: TripletQuery, number: int, known: Outline | None = None, mark: tuple[int, ...] = ()
) -> list[Row]:
    """One page of a result, its texts cut; the outline holds as of `mark`."""
    if mark != workspace.triplets_mark(query.run_id):
        known = None
    return [
        {name: value[:CUT] if name in TEXTS else value for name, value in row.items()}
        for row in workspace.triplet_page(query, number * PAGE, PAGE, known)
    ]


def result_update(
    workspace: Workspace, query: TripletQuery, position: CursorPosition, known: tuple[int, ...]
) -> ResultUpdate | None:
    """Take up a little that is new, and measure the result; None where nothing has changed since `known`."""
    backlog = workspace.triplets_behind(query.run_id)
    large = backlog > BACKLOG
    if not large:
        workspace.refresh_triplets(query.run_id)
    mark = workspace.triplets_mark(query.run_id)
    if mark == known and not large:
        return None
    outline = workspace.triplet_outline(query)
    place = position.place if position.ordinal is None else workspace.triplet_place(query, position.ordinal)
    place = max(0, min(place, outline.total - 1))
    top = max(0, min(place - position.line, outline.total - position.height))
    numbers = range(top // PAGE, (top + position.height) // PAGE + 1)
    pages = {number: page(workspace, query, number, outline, mark) for number in numbers}
    return ResultUpdate(mark, outline, place, backlog * large, pages)


def index_backlog(workspace: Workspace, run_id: str) -> None:
    """Take up a backlog, in a process of its own: minutes for a million answers."""
    workspace.command(["triplets", run_id, "--refresh"])


def triplet_detail(workspace: Workspace, run_id: str, ordinal: int) -> TripletDetail:
    """All about one triplet."""
    data = workspace.triplet(run_id, ordinal)
    sentence = data["sentence"][:COMPARED]
    return TripletDetail(data, {name: compare(sentence, data[name][:COMPARED]) for name in TEXTS[1:]})


def next_open(
    workspace: Workspace, query: TripletQuery, place: int, known: Outline | None = None, mark: tuple[int, ...] = ()
) -> int | None:
    """The place of the first triplet after `place` that no person has decided on; None where there is none.

    The outline holds as of `mark`.
    """
    start = place + 1
    if mark != workspace.triplets_mark(query.run_id):
        known = None
    while rows := workspace.triplet_page(query, start, STRIDE, known):
        for step, row in enumerate(rows):
            if row["reason"] not in BY_PERSONS:
                return start + step
        start += len(rows)
    return None


Choice = tuple[str, tuple[str, str], dict[str, Any]]
"""A choice of a list: its key, what its two columns say, and what it changes in a query."""


def filters(workspace: Workspace, query: TripletQuery) -> list[Choice]:
    """What a run's triplets can be filtered by, with how many each leaves."""
    found = workspace.triplet_reasons(query.run_id)
    everything = sum(count for *_, count in found)
    reviewed = sum(count for _, reason, count in found if reason in BY_PERSONS)
    plain: dict[str, Any] = {"state": "", "reason": "", "reviewed": ""}
    choices = [
        _choice("all", everything, plain),
        _choice("not decided by a person", everything - reviewed, {**plain, "reviewed": "no"}),
        _choice("decided by a person", reviewed, {**plain, "reviewed": "yes"}),
    ]
    for state in dict.fromkeys(state for state, *_ in found):
        count = sum(number for name, _, number in found if name == state)
        choices.append(_choice(state, count, {**plain, "state": state}))
    for state, reason, count in found:
        if reason:
            choices.append(_choice(f"{state}: {reason}", count, {**plain, "state": state, "reason": reason}))
    return choices


def prompts(workspace: Workspace, query: TripletQuery) -> list[Choice]:
    """The prompts of a run's positives."""
    found = workspace.triplet_prompts(query.run_id)
    named = [_choice(prompt, count, {"prompt": prompt}) for prompt, count in found]
    return [_choice("any prompt", sum(count for _, count in found), {"prompt": ""}), *named]


def _choice(title: str, count: int, changes: dict[str, Any]) -> Choice:
    return title, (title, f"{count:,}"), changes
